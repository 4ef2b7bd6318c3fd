#pragma once
// The line search of Moré and Thuente ("Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20, 1994)
// step by step as MINPACK-2's dcsrch and dcstep take it inside L-BFGS-B, so that published optima can be followed.

#include <limits>

namespace itm {

/// Finds a step along which a function has decreased enough and is flat enough. Feed it the value and the slope at
/// step(); it is done when that step will do or none better can be told apart.
class MoreThuenteSearch {
 public:
  /// `value` and `slope` (negative) at step 0; `first` is the first step to try.
  MoreThuenteSearch(double value, double slope, double first);
  [[nodiscard]] double step() const { return step_; }
  /// True when step() is accepted; else step() is the next one to try.
  [[nodiscard]] bool accepts(double value, double slope);

 private:
  struct Point {
    double step = 0;
    double value = 0;
    double slope = 0;
  };
  /// Chooses the next step from the best point, the other end of the interval and the trial (dcstep).
  double choose(Point& best, Point& other, const Point& trial);

  Point start_;
  double test_slope_;  ///< of the line that the value must be below
  bool is_bracketed_ = false;
  bool is_first_stage_ = true;
  Point best_;
  Point other_;  ///< the other end of the interval
  double least_ = 0;
  double most_;
  double width_ = 0;
  double last_width_ = 0;
  double step_;
};

}  // namespace itm
