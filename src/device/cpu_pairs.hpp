#pragma once
// Ranks of all pairwise distances, for PARC.

#include "itm/device.hpp"

namespace itm::cpu {

/// Device::rank_pairs, by whichever of the two below is faster.
[[nodiscard]] PairRanks rank_pairs(ConstView x, ConstIndexView index);

/// Every distance becomes a 32-bit key, and all keys are sorted.
[[nodiscard]] PairRanks rank_pairs_by_sorting(ConstView x, ConstIndexView index);

/// Only the same-class distances are sorted; all others are held against them as they are computed and then forgotten.
/// For few same-class pairs. Ties are left out where they cannot matter (less than 1e-8 of the rank variance); where
/// they might, the distances take few values and all are sorted after all.
[[nodiscard]] PairRanks rank_pairs_by_counting(ConstView x, ConstIndexView index);

}  // namespace itm::cpu
