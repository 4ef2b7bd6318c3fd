#pragma once
// Multinomial logistic regression with an L2 penalty, for the linear probe and for LEAD's first logits: W, b minimise
//   sum_i -log softmax(W x_i + b)[y_i] + l2 / 2 |W|^2,
// as scikit-learn's LogisticRegression(C = 1 / l2) does; the intercept b is free.

#include <functional>
#include <span>

#include "numerics/lbfgs.hpp"
#include "session/model_input.hpp"

namespace itm {

/// Rows first, first + 1, ... first + count - 1.
struct RowRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

struct LinearClassifier {
  Matrix weights;  ///< C x (D + 1): W and, last, b
  LbfgsResult fit;
};

/// Standardised features and a column of ones, [n, D + 1], of some rows in the given order. Takes 8 n (D + 1) bytes.
[[nodiscard]] Matrix classifier_rows(const ModelInput& input, std::span<const std::uint32_t> rows);

/// Fits the rows of `x` [n, D + 1] that lie in `ranges`; `labels` has an entry per row of x. The objective is divided
/// by the number of rows before the tolerance of `options` is applied. Classes without rows get no probability.
/// `between` is called before every evaluation; it may throw to stop.
[[nodiscard]] LinearClassifier fit_linear_classifier(Device& device, ConstView x, const Classes& labels,
                                                     std::span<const RowRange> ranges, double l2,
                                                     const LbfgsOptions& options,
                                                     const std::function<void()>& between = {});

/// The same from a start of one's own, `made.weights`, for features [n, D + 1] as they are.
void fit_linear_classifier(Device& device, ConstView x, const Classes& labels, std::span<const RowRange> ranges,
                           double l2, const LbfgsOptions& options, const std::function<void()>& between,
                           LinearClassifier& made);

/// A logistic regression for every column of `y` [n, T], zeros and ones, each with the penalty l2 / 2 |w|^2 and an
/// intercept of its own; `weights` is T x (D + 1). As scikit-learn's LogisticRegression(C = 1 / l2) of each.
[[nodiscard]] LinearClassifier fit_logistic_regressions(Device& device, ConstView x, ConstView y,
                                                        std::span<const RowRange> ranges, double l2,
                                                        const LbfgsOptions& options,
                                                        const std::function<void()>& between = {});

/// What a fit costs is about this: products of N x D and D x C, which few classes do not make cheaper, and for a few
/// rows the passes over the weights that a step of L-BFGS makes. Fitted to 17 shapes from 400 x 64 to 75,750 x 768.
[[nodiscard]] inline double descent_work(const Workload& work) {
  return (work.rows + 1000) * work.dims * (work.classes + 25);
}

/// Calls use(z, first) with the logits z [b, C] of consecutive rows of `range`; `first` counts from the top of x.
void for_each_logits(Device& device, ConstView x, RowRange range, ConstView weights,
                     const std::function<void(View z, std::size_t first)>& use);

}  // namespace itm
