#include "choose/best.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

namespace itm::choose {

double tail_beyond(double t) {
  const double z = t / std::sqrt(t * t + 2);
  return 0.5 - z * (0.75 - 0.25 * z * z);
}

void add_best(const std::vector<double>& quality, const std::vector<double>& noise, const double* own,
              std::vector<double>& p_best) {
  std::size_t best = 0;
  double second = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < quality.size(); ++i) {
    if (quality[i] > quality[best]) {
      second = quality[best];
      best = i;
    } else if (quality[i] > second) {
      second = quality[i];
    }
  }
  for (std::size_t i = 0; i < quality.size(); ++i) {
    const double rest = i == best ? second : quality[best];
    p_best[i] += noise[i] > 0 ? tail_beyond((rest - quality[i]) / noise[i] + own[i]) : i == best ? 1 : 0;
  }
}

}  // namespace itm::choose
