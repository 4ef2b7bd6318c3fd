#pragma once
// Probabilities and lists counted over joint outcomes.

#include <cstddef>
#include <optional>
#include <vector>

#include "choose/predict.hpp"
#include "itm/agreement.hpp"

namespace itm::choose {

/// Candidates by their place in the outcomes.
struct Shortlist {
  std::vector<std::size_t> models;  ///< most probable best first
  std::vector<double> p_best;       ///< of every candidate
  std::vector<double> p_found;      ///< after each model of the list: the best is among it, those before, those tried
  double p_found_before = 0;        ///< the best is among those tried
};

/// Untried candidates in the order of their probability to be the best, equal ones by their mean: as many as `budget`
/// says, else until the best is found with probability `sure`.
[[nodiscard]] Shortlist shortlist(const Outcomes& outcomes, const std::vector<bool>& tried, double sure,
                                  std::optional<std::size_t> budget);

/// The central interval of a candidate's truth that holds a share `sure` of the draws.
[[nodiscard]] Interval interval_of(const Outcomes& outcomes, std::size_t candidate, double sure);

}  // namespace itm::choose
