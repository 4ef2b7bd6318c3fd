#pragma once
// Ranks of all pairwise distances, for PARC.

#include "itm/device.hpp"

namespace itm::cpu {

/// Device::rank_pairs: distances in blocks by GEMM, as 32-bit keys of 31 bits of distance and one bit "same class",
/// then a radix sort of the keys.
[[nodiscard]] PairRanks rank_pairs(View x, IndexView index);

}  // namespace itm::cpu
