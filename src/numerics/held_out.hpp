#pragma once
// Rows that a method holds out, and how well it predicts their targets.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "numerics/linear_classifier.hpp"
#include "session/model_input.hpp"

namespace itm {

/// All rows, those of a fold next to each other: what a fold is trained on is then all rows but one run.
struct Folds {
  std::vector<std::uint32_t> order;
  std::vector<RowRange> held_out;  ///< of `order`, one per fold
  /// Rows that are held out in some fold; with the person's split not all are.
  [[nodiscard]] std::size_t rows() const;
};

/// Stratified folds by the input's seed or, where the person gave a split, its one.
[[nodiscard]] Folds folds_of(const ModelInput& input, std::size_t folds);

struct HeldOutScore {
  double score = 0;          ///< mean over the targets
  double error = 0;          ///< its standard error, from the rows
  std::vector<double> each;  ///< of every target that can be judged: it varies among these rows
};

/// 1 - sum (y - p)^2 / sum (y - mean y)^2 of each column. `predicted` and `targets`: n x columns, row-major. The error
/// is that of a ratio of sums over rows, linearised. Throws InputError where no column varies.
[[nodiscard]] HeldOutScore explained_variance(std::span<const double> predicted, std::span<const double> targets,
                                              std::size_t columns);

/// Area under the ROC curve of each label: of the pairs of a row with the label (1) and a row without it (0) in the
/// same fold, the share in which the former has the higher score, ties counting half. `folds`: ranges of the n rows.
/// The error is DeLong's, its components averaged over the labels. Throws InputError where no label has such a pair.
[[nodiscard]] HeldOutScore area_under_curves(std::span<const double> scores, std::span<const double> labels,
                                             std::size_t columns, std::span<const RowRange> folds);

}  // namespace itm
