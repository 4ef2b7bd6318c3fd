#pragma once
// Mean and spread of a few numbers.

#include <algorithm>
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

/// Standard error of a statistic from its values without each of G groups in turn (delete-a-group jackknife): the root
/// of (G - 1) / G times the sum of squares about their mean.
[[nodiscard]] inline double jackknife_error(const std::vector<double>& without) {
  const auto groups = static_cast<double>(without.size());
  double mean = 0;
  for (const double value : without) {
    mean += value / groups;
  }
  double sum = 0;
  for (const double value : without) {
    sum += (value - mean) * (value - mean);
  }
  return std::sqrt((groups - 1) / groups * sum);
}

/// Standard error of a share of `rows` independent rows. Shares at the ends count half a row, or the error would be 0.
[[nodiscard]] inline double binomial_error(double share, double rows) {
  const double inside = std::clamp(share, 0.5 / rows, 1 - 0.5 / rows);
  return std::sqrt(inside * (1 - inside) / rows);
}

/// Quantile of the standard normal distribution for p in (0, 1), to 1e-9 (Acklam's rational approximation with one
/// step of Halley's method).
[[nodiscard]] double normal_quantile(double p);

/// Blom's normal score of rank 1 (best) ... n: the quantile of (n - rank + 5/8) / (n + 1/4).
[[nodiscard]] inline double normal_score(double rank, double n) {
  return normal_quantile((n - rank + 0.625) / (n + 0.25));
}

}  // namespace itm
