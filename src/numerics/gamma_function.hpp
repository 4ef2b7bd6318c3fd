#pragma once
// log Gamma and its derivative for positive numbers, by their asymptotic series after stepping up to where it has all
// digits. std::lgamma writes a global variable, which threads may not share.

#include <cmath>

namespace itm {

/// log Gamma(x), x > 0.
[[nodiscard]] inline double log_gamma(double x) {
  constexpr double far = 16;
  constexpr double half_log_two_pi = 0.91893853320467274178;
  double steps = 1;  // Gamma(x + n) / Gamma(x)
  while (x < far) {
    steps *= x;
    x += 1;
  }
  const double inverse = 1 / (x * x);
  const double series =
      (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse * (1.0 / 1680 - inverse / 1188)))) / x;
  return (x - 0.5) * std::log(x) - x + half_log_two_pi + series - std::log(steps);
}

/// d/dx log Gamma(x), x > 0.
[[nodiscard]] inline double digamma(double x) {
  constexpr double far = 16;
  double below = 0;
  while (x < far) {
    below += 1 / x;
    x += 1;
  }
  const double inverse = 1 / (x * x);
  const double series =
      inverse *
      (1.0 / 12 - inverse * (1.0 / 120 - inverse * (1.0 / 252 - inverse * (1.0 / 240 - inverse * (1.0 / 132)))));
  return std::log(x) - 0.5 / x - series - below;
}

}  // namespace itm
