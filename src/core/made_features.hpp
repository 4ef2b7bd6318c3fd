#pragma once
// Made feature matrices for benchmarks and `itm synth`: class means at a chosen separation plus unit noise.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "itm/zoo.hpp"

namespace itm {

struct MadeFeatures {
  std::size_t rows = 0;
  std::size_t dims = 0;
  std::size_t classes = 0;
  double separation = 0.15;  ///< standard deviation of the class means per column, in units of the noise
  std::uint64_t seed = 0;
  std::string_view name;  ///< keys the random stream, so that models differ
};

/// Labels 0..C-1 in turn: every class has floor(N/C) or one more rows.
[[nodiscard]] Labels made_labels(std::size_t rows, std::size_t classes);

/// N x D row-major float32, a function of its arguments alone.
[[nodiscard]] std::vector<float> make_features(const MadeFeatures& what);

}  // namespace itm
