#pragma once
// How scores are compared where one of them may be no number.

#include <cmath>

namespace itm {

/// The score; one that is not a number is worse than any number.
[[nodiscard]] inline double sortable(double score) { return std::isnan(score) ? -INFINITY : score; }

}  // namespace itm
