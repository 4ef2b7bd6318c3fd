#pragma once
// What is scored of a data set: its models, what their rows are to be predicted, which rows, and which of them are held
// out. The same for all methods.

#include <string>
#include <vector>

#include "itm/estimator.hpp"

namespace itm {

/// The entries of a data set that have its labels or targets. The first readable file decides; another that differs is
/// a failure. Throws InputError where nothing is left, and, unless the options keep going, at the first failure.
[[nodiscard]] DatasetTask make_task(const Zoo& zoo, const std::string& dataset, const RankOptions& options,
                                    std::vector<Failure>& failures);

}  // namespace itm
