#pragma once
// e^x in double, branch-free so that loops over rows vectorise; glibc's scalar exp costs five times as much.

#include <bit>
#include <cstdint>

namespace itm {

/// e^x within 2 ulp for x in [-708, 709]; smaller arguments give 0, larger ones and NaN are not allowed.
/// x = n ln2 + r with |r| <= ln2 / 2 (Cody and Waite's two-part ln2), then a degree-13 Taylor polynomial in r
/// (truncation below 1e-17).
inline double vector_exp(double x) {
  constexpr double inverse_ln2 = 1.4426950408889634074;
  constexpr double ln2_high = 6.93147180369123816490e-01;
  constexpr double ln2_low = 1.90821492927058770002e-10;
  constexpr double round_shift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to the nearest integer
  const double clamped = x < -708.0 ? -708.0 : x;
  const double shifted = clamped * inverse_ln2 + round_shift;
  const double n = shifted - round_shift;
  const double r = (clamped - n * ln2_high) - n * ln2_low;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  const double fraction = (p * r * r + r) + 1.0;
  // The integer sits in the low bits of `shifted`; moved up, it is added to the exponent.
  const std::uint64_t exponent = (std::bit_cast<std::uint64_t>(shifted) << 52U) + std::bit_cast<std::uint64_t>(1.0);
  const double value = fraction * std::bit_cast<double>(exponent);
  return x < -708.0 ? 0.0 : value;
}

}  // namespace itm
