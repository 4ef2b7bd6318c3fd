#include "numerics/more_thuente.hpp"

#include <algorithm>
#include <cmath>

namespace itm {
namespace {

// L-BFGS-B's constants.
constexpr double least_decrease_of_step = 1e-3;
constexpr double least_curvature = 0.9;
constexpr double narrow = 0.1;  // interval, relative to its far end
constexpr double longest = 1e10;

/// The root that a cubic through two points and slopes has its minimum at: `sign` chooses the branch.
double cubic_gamma(double theta, double a, double b) {
  const double s = std::max({std::abs(theta), std::abs(a), std::abs(b)});
  return s * std::sqrt(std::max(0.0, (theta / s) * (theta / s) - (a / s) * (b / s)));
}

}  // namespace

MoreThuenteSearch::MoreThuenteSearch(double value, double slope, double first)
    : start_{0, value, slope},
      test_slope_(least_decrease_of_step * slope),
      best_(start_),
      other_(start_),
      most_(5 * first),
      width_(longest),
      last_width_(2 * longest),
      step_(first) {}

bool MoreThuenteSearch::accepts(double value, double slope) {
  const double line = start_.value + step_ * test_slope_;
  if (is_first_stage_ && value <= line && slope >= 0) {
    is_first_stage_ = false;
  }
  const bool is_at_the_end = is_bracketed_ && (step_ <= least_ || step_ >= most_ || most_ - least_ <= narrow * most_);
  const bool is_longest = step_ >= longest && value <= line && slope <= test_slope_;
  if (is_at_the_end || is_longest || (value <= line && std::abs(slope) <= least_curvature * -start_.slope)) {
    return true;
  }
  const Point trial{step_, value, slope};
  if (is_first_stage_ && value <= best_.value && value > line) {
    // The function without the line that it has to be below, until it is.
    const auto tilt = [&](Point p, double sign) {
      return Point{p.step, p.value - sign * p.step * test_slope_, p.slope - sign * test_slope_};
    };
    Point best = tilt(best_, 1);
    Point other = tilt(other_, 1);
    step_ = choose(best, other, tilt(trial, 1));
    best_ = tilt(best, -1);
    other_ = tilt(other, -1);
  } else {
    step_ = choose(best_, other_, trial);
  }
  if (is_bracketed_) {
    if (std::abs(other_.step - best_.step) >= 0.66 * last_width_) {
      step_ = best_.step + 0.5 * (other_.step - best_.step);
    }
    last_width_ = width_;
    width_ = std::abs(other_.step - best_.step);
    least_ = std::min(best_.step, other_.step);
    most_ = std::max(best_.step, other_.step);
  } else {
    least_ = step_ + 1.1 * (step_ - best_.step);
    most_ = step_ + 4 * (step_ - best_.step);
  }
  step_ = std::clamp(step_, 0.0, longest);
  if (is_bracketed_ && (step_ <= least_ || step_ >= most_ || most_ - least_ <= narrow * most_)) {
    step_ = best_.step;
  }
  return false;
}

double MoreThuenteSearch::choose(Point& best, Point& other, const Point& trial) {
  const double between = trial.step - best.step;
  const bool slopes_differ = trial.slope * std::copysign(1.0, best.slope) < 0;
  double next = 0;
  if (trial.value > best.value) {
    // Higher: a minimum lies between. The cubic's, or half way to the parabola's.
    const double theta = 3 * (best.value - trial.value) / between + best.slope + trial.slope;
    const double gamma = std::copysign(cubic_gamma(theta, best.slope, trial.slope), between);
    const double r = ((gamma - best.slope) + theta) / (((gamma - best.slope) + gamma) + trial.slope);
    const double cubic = best.step + r * between;
    const double bend = (best.value - trial.value) / between + best.slope;
    const double parabola = best.step + best.slope / bend / 2 * between;
    next = std::abs(cubic - best.step) < std::abs(parabola - best.step) ? cubic : cubic + (parabola - cubic) / 2;
    is_bracketed_ = true;
  } else if (slopes_differ) {
    // Lower, and the slope has turned: a minimum lies between. The farther of cubic's and secant's.
    const double theta = 3 * (best.value - trial.value) / between + best.slope + trial.slope;
    const double gamma = -std::copysign(cubic_gamma(theta, best.slope, trial.slope), between);
    const double r = ((gamma - trial.slope) + theta) / (((gamma - trial.slope) + gamma) + best.slope);
    const double cubic = trial.step - r * between;
    const double secant = trial.step - trial.slope / (trial.slope - best.slope) * between;
    next = std::abs(cubic - trial.step) > std::abs(secant - trial.step) ? cubic : secant;
    is_bracketed_ = true;
  } else if (std::abs(trial.slope) < std::abs(best.slope)) {
    // Lower, and flatter. The cubic may have no minimum that way.
    const double theta = 3 * (best.value - trial.value) / between + best.slope + trial.slope;
    const double gamma = -std::copysign(cubic_gamma(theta, best.slope, trial.slope), between);
    const double r = ((gamma - trial.slope) + theta) / ((gamma + (best.slope - trial.slope)) + gamma);
    double cubic = between > 0 ? most_ : least_;
    if (r < 0 && gamma != 0) {
      cubic = trial.step - r * between;
    }
    const double secant = trial.step - trial.slope / (trial.slope - best.slope) * between;
    const bool cubic_is_nearer = std::abs(cubic - trial.step) < std::abs(secant - trial.step);
    if (is_bracketed_) {
      next = cubic_is_nearer ? cubic : secant;
      const double limit = trial.step + 0.66 * (other.step - trial.step);
      next = between > 0 ? std::min(limit, next) : std::max(limit, next);
    } else {
      next = std::abs(cubic - trial.step) > std::abs(secant - trial.step) ? cubic : secant;
      next = std::clamp(next, least_, most_);
    }
  } else if (is_bracketed_) {
    // Lower, and no flatter: towards the other end.
    const double far = other.step - trial.step;
    const double theta = 3 * (trial.value - other.value) / far + other.slope + trial.slope;
    const double gamma = std::copysign(cubic_gamma(theta, other.slope, trial.slope), far);
    const double r = ((gamma - trial.slope) + theta) / (((gamma - trial.slope) + gamma) + other.slope);
    next = trial.step + r * far;
  } else {
    next = between > 0 ? most_ : least_;
  }
  if (trial.value > best.value) {
    other = trial;
  } else {
    if (slopes_differ) {
      other = best;
    }
    best = trial;
  }
  return next;
}

}  // namespace itm
