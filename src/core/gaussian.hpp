#pragma once
// Standard normal numbers from a counter: draw i of a stream is a pure function of (seed, stream, i).

#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/philox.hpp"

namespace itm::philox {

/// Draw i by Box-Muller, from the two halves of one 64-bit word pair.
inline double normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) {
  const Block b = block(seed, stream, i);
  const double u1 = (static_cast<double>(b.word[0]) + 1.0) / 4294967296.0;  // (0, 1]: the logarithm is finite
  const double u2 = static_cast<double>(b.word[1]) / 4294967296.0;
  return std::sqrt(-2.0 * std::log(u1)) * std::cos(2.0 * std::numbers::pi * u2);
}

}  // namespace itm::philox
