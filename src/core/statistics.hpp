#pragma once
// Mean and spread of a few numbers.

#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

namespace itm {

/// Nothing for no values.
[[nodiscard]] inline std::optional<double> mean_of(const std::vector<double>& values) {
  if (values.empty()) {
    return std::nullopt;
  }
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// With n - 1 in the denominator; nothing for fewer than two values.
[[nodiscard]] inline std::optional<double> standard_deviation_of(const std::vector<double>& values) {
  if (values.size() < 2) {
    return std::nullopt;
  }
  const double mean = *mean_of(values);
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace itm
