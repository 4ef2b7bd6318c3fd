#include "core/made_features.hpp"

#include <fmt/format.h>

#include "core/philox.hpp"

namespace itm {
namespace {

/// Nearly normal, unit variance: the sum of four uniform 16-bit numbers out of one 64-bit draw (Irwin-Hall). Made data
/// need a bell shape and speed, not exact tails.
float bell(std::uint64_t bits) {
  constexpr double centre = 2.0 * 65535.0;
  constexpr double inverse_deviation = 1.0 / 37836.9;  // sqrt(4 (2^32 - 1) / 12)
  const auto sum =
      static_cast<double>((bits & 0xFFFFU) + (bits >> 16 & 0xFFFFU) + (bits >> 32 & 0xFFFFU) + (bits >> 48));
  return static_cast<float>((sum - centre) * inverse_deviation);
}

std::vector<float> bells(std::size_t count, std::uint64_t seed, std::uint64_t stream) {
  std::vector<float> out(count + count % 2);
  for (std::size_t i = 0; i < count; i += 2) {
    const philox::Block b = philox::block(seed, stream, i / 2);
    out[i] = bell(std::uint64_t{b.word[0]} << 32 | b.word[1]);
    out[i + 1] = bell(std::uint64_t{b.word[2]} << 32 | b.word[3]);
  }
  out.resize(count);
  return out;
}

}  // namespace

Labels made_labels(std::size_t rows, std::size_t classes) {
  Labels labels;
  labels.classes = classes;
  labels.values.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    labels.values.push_back(static_cast<std::int32_t>(i % classes));
  }
  return labels;
}

std::vector<float> make_features(const MadeFeatures& what) {
  const std::vector<float> means =
      bells(what.classes * what.dims, what.seed, philox::stream_id(fmt::format("{}/means", what.name)));
  std::vector<float> values =
      bells(what.rows * what.dims, what.seed, philox::stream_id(fmt::format("{}/noise", what.name)));
  const auto separation = static_cast<float>(what.separation);
  for (std::size_t i = 0; i < what.rows; ++i) {
    const float* mean = means.data() + i % what.classes * what.dims;
    float* row = values.data() + i * what.dims;
    for (std::size_t d = 0; d < what.dims; ++d) {
      row[d] += separation * mean[d];
    }
  }
  return values;
}

}  // namespace itm
