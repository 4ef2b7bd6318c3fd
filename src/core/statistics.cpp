#include "core/statistics.hpp"

#include <array>
#include <numbers>

namespace itm {
namespace {

template <std::size_t N>
double polynomial(const std::array<double, N>& c, double x) {
  double sum = 0;
  for (const double coefficient : c) {
    sum = sum * x + coefficient;
  }
  return sum;
}

constexpr std::array<double, 6> middle{-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                                       1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
constexpr std::array<double, 6> under_middle{-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                                             6.680131188771972e+01,  -1.328068155288572e+01, 1};
constexpr std::array<double, 6> tail{-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                                     -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
constexpr std::array<double, 5> under_tail{7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                                           3.754408661907416e+00, 1};

}  // namespace

double normal_quantile(double p) {
  constexpr double low = 0.02425;
  double x = 0;
  if (p < low || p > 1 - low) {
    const double q = std::sqrt(-2 * std::log(std::min(p, 1 - p)));
    x = polynomial(tail, q) / polynomial(under_tail, q);
    x = p < low ? x : -x;
  } else {
    const double q = p - 0.5;
    x = polynomial(middle, q * q) * q / polynomial(under_middle, q * q);
  }
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double u = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  return x - u / (1 + x * u / 2);
}

}  // namespace itm
