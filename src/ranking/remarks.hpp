#pragma once
// What is odd about a data set or its scores, said before somebody believes them.

#include "itm/estimator.hpp"

namespace itm {

/// What remarks need to know of the rows that a session scores.
struct ScoredRows {
  std::vector<std::string> remarks;      ///< of the data set
  std::vector<std::size_t> class_sizes;  ///< empty where there are targets
  TargetKind kind = TargetKind::classes;
  std::size_t targets = 0;  ///< T
  std::size_t rows = 0;
  std::size_t held_out = 0;  ///< by the person's split; 0: there is none
};
[[nodiscard]] ScoredRows about(const DatasetTask& task);

/// Adds to `result.remarks`: what was predicted, scores no better than guessing, classes of very different sizes, rows
/// that were dropped, scores that depend on the company.
void add_remarks(RankedDataset& result, const Estimator& estimator, const ScoredRows& rows, const RankOptions& options);

}  // namespace itm
