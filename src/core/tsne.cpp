#include "core/tsne.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <barnes_hut_sne/tsne.hpp>
#include <cmath>

#include "core/gaussian.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

/// Small and Gaussian, as t-SNE starts.
std::vector<double> initial_map(std::size_t rows, std::uint64_t seed) {
  const std::uint64_t stream = philox::stream_id("tsne");
  std::vector<double> map(rows * 2);
  for (std::size_t i = 0; i < map.size(); ++i) {
    map[i] = 1e-4 * philox::normal(seed, stream, i);
  }
  return map;
}

void check(const std::vector<double>& points, std::size_t rows, std::size_t dims, const TsneOptions& options) {
  if (static_cast<double>(rows) <= 3 * options.perplexity + 1) {
    throw InputError(fmt::format("{} rows are too few for a perplexity of {}; give more than {:.0f} or lower it", rows,
                                 options.perplexity, 3 * options.perplexity + 1));
  }
  if (!std::all_of(points.begin(), points.end(), [](double value) { return std::isfinite(value); })) {
    throw NumericError("the points to map hold a value that is not finite; lower the learning rate");
  }
  for (std::size_t i = dims; i < points.size(); ++i) {
    if (points[i] != points[i % dims]) {
      return;
    }
  }
  throw InputError("all points to map are equal; there is nothing to show");
}

}  // namespace

std::vector<double> tsne(const std::vector<double>& points, std::size_t rows, std::size_t dims,
                         const TsneOptions& options) {
  check(points, rows, dims, options);
  std::vector<double> centred = points;
  std::vector<double> map = initial_map(rows, options.seed);
  const auto stop = [&] { return options.cancelled && options.cancelled(); };
  ::tsne::TSNE().run(centred.data(), static_cast<int>(rows), static_cast<int>(dims), map.data(), 2, options.perplexity,
                     options.theta, stop);
  if (stop()) {
    throw Interrupted();
  }
  return map;
}

}  // namespace itm
