#pragma once
// Column scaling as scikit-learn's StandardScaler does it.

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "itm/device.hpp"

namespace itm {

/// 1 / deviation per column from means and variances (both 1 x D, divided by n); 1 for a column that is constant up to
/// the rounding of its mean.
[[nodiscard]] inline std::vector<double> inverse_deviations(const std::vector<double>& mean,
                                                            const std::vector<double>& variance, std::size_t n) {
  std::vector<double> inverse(mean.size());
  for (std::size_t d = 0; d < mean.size(); ++d) {
    const double deviation = std::sqrt(variance[d]);
    const double noise = static_cast<double>(n) * std::numeric_limits<double>::epsilon() * std::abs(mean[d]);
    inverse[d] = deviation > noise ? 1 / deviation : 1;
  }
  return inverse;
}

/// Every column about its mean and over its deviation; a constant column becomes zeros up to rounding.
inline void standardise_columns(Device& device, View x) {
  const Matrix mean = device.matrix(1, x.cols());
  device.add_column_sums(x, mean);
  device.scale(1 / static_cast<double>(x.rows()), mean);
  device.add_to_rows(-1, mean, x);
  const Matrix variance = device.matrix(1, x.cols());
  device.add_column_squares(x, variance);
  device.scale(1 / static_cast<double>(x.rows()), variance);
  const std::vector<double> scale = inverse_deviations(device.download(mean), device.download(variance), x.rows());
  device.scale_columns(device.matrix_of(scale, 1, scale.size()), x);
}

}  // namespace itm
