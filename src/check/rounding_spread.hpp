#pragma once
// How far rounding moves a score on the CPU by itself.
//
// Two devices sum in different orders, so that whatever is compared (two distances, two logits, two likelihoods)
// differs in the last digit. Most scores follow that digit; where something is decided by it, a nearest neighbour or
// the cluster of a row, a score may jump. Whether a jump between devices is one of these is seen by changing the
// features as little.

#include <cstddef>
#include <string>
#include <vector>

#include "itm/estimator.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// Scores of `models` on one data set by options.method, on the CPU, from features of which every number has changed
/// by up to four roundings of a double: four times, differently each. options.datasets is not looked at.
[[nodiscard]] std::vector<std::vector<ScoredModel>> scores_after_rounding(const Zoo& zoo, const std::string& dataset,
                                                                          const RankOptions& options,
                                                                          const std::vector<std::string>& models);

}  // namespace itm
