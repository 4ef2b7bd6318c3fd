#pragma once
// Column scaling as scikit-learn's StandardScaler does it.

#include <limits>

#include "itm/device.hpp"

namespace itm {

/// What Device::inverse_deviations takes for the rounding of the mean of n numbers.
[[nodiscard]] inline double rounding_of_mean(std::size_t n) {
  return static_cast<double>(n) * std::numeric_limits<double>::epsilon();
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
  const Matrix inverse = device.scratch(1, x.cols());
  device.inverse_deviations(mean, variance, rounding_of_mean(x.rows()), inverse);
  device.scale_columns(inverse, x);
}

}  // namespace itm
