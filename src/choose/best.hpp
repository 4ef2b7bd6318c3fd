#pragma once
// Which of several models is the best in one joint outcome.

#include <vector>

namespace itm::choose {

/// P(T > t) for Student's t with four degrees of freedom, scaled to unit variance.
[[nodiscard]] double tail_beyond(double t);

/// Adds to each `p_best` the probability that the model beats what all others reach in one outcome, over its own noise
/// alone. Its mean over outcomes is the probability to be the best, with far less counting noise than a count of the
/// best has: of a hundred close models each draw says something of all. `quality` = what it would be without noise +
/// `noise` * `own`; a model without noise counts 1 where it is the best.
void add_best(const std::vector<double>& quality, const std::vector<double>& noise, const double* own,
              std::vector<double>& p_best);

}  // namespace itm::choose
