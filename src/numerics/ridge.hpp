#pragma once
// Ridge regression: W, b minimise sum_i |y_i - W x_i - b|^2 + l2 |W|^2, the intercept b free.

#include <span>

#include "numerics/linear_classifier.hpp"

namespace itm {

/// The same rows in as many columns as there are rows, turned so that all their products stay: ridge regression, which
/// sees nothing else, predicts the same from them. For features [n, D] with D > n.
[[nodiscard]] Matrix narrowed(Device& device, ConstView x);

/// Predicts targets of rows from those of others, by ridge regressions that share their products of columns.
class Ridge {
 public:
  /// x [n, D + 1], its last column ones, and y [n, T]; both must outlive the object.
  Ridge(Device& device, ConstView x, ConstView y);

  /// The targets of `held_out`, [count, T], as all other rows predict them. l2 is raised where rounding would leave
  /// collinear columns without a solution. Waits. Throws NumericError where even that does not help.
  [[nodiscard]] Matrix predict(RowRange held_out, double l2) const;

 private:
  Device& device_;
  ConstView x_;
  ConstView y_;
  Matrix gram_;     ///< X^T X, lower triangle
  Matrix moments_;  ///< Y^T X
};

}  // namespace itm
