#pragma once
// Numbers for the operations of a device.

#include <cstdint>
#include <vector>

#include "core/philox.hpp"

namespace itm::testing {

using Numbers = std::vector<double>;

/// Uniform in [-1, 1): a function of seed and place.
inline Numbers numbers(std::size_t count, std::uint64_t seed) {
  Numbers made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = 2 * philox::uniform(seed, philox::stream_id("device test"), i) - 1;
  }
  return made;
}

}  // namespace itm::testing
