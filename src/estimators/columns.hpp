#pragma once
// Column scaling as scikit-learn's StandardScaler does it.

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

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

}  // namespace itm
