#pragma once
// What is odd about a data set or its scores, said before somebody believes them.

#include "itm/estimator.hpp"

namespace itm {

/// Adds to `result.remarks`: scores no better than guessing, classes of very different sizes, rows that were dropped,
/// scores that depend on the company.
void add_remarks(RankedDataset& result, const Estimator& estimator, const Labels& labels, const RankOptions& options);

}  // namespace itm
