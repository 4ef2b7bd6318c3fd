#include "numerics/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>
#include <vector>

#include "numerics/more_thuente.hpp"

namespace itm {
namespace {

constexpr double sufficient_decrease = 1e-4;
constexpr double curvature = 0.9;
constexpr int longest_search = 30;
constexpr int longest_more_thuente = 20;  // L-BFGS-B's

/// One step s with the change y of the gradient along it.
struct Pair {
  Matrix s;
  Matrix y;
  double curvature = 0;  ///< <s, y>, positive
};

class Minimiser {
 public:
  Minimiser(Device& device, const Objective& objective, View x, const LbfgsOptions& options)
      : device_(device),
        objective_(objective),
        options_(options),
        x_(x),
        gradient_(like_x()),
        trial_(like_x()),
        trial_gradient_(like_x()),
        direction_(like_x()),
        products_(device.matrix(1, x.rows())) {
    std::vector<std::int32_t> rows(x.rows());
    std::iota(rows.begin(), rows.end(), 0);
    every_row_ = device.index(rows);
  }

  LbfgsResult run() {
    result_.value = evaluate(x_, gradient_);
    double before = std::numeric_limits<double>::infinity();
    while (true) {
      result_.converged = is_flat() || is_slow(before);
      if (result_.converged || result_.iterations == options_.iterations) {
        return result_;
      }
      before = result_.value;
      if (!step()) {
        return result_;
      }
      ++result_.iterations;
    }
  }

 private:
  [[nodiscard]] Matrix like_x() const { return device_.matrix(x_.rows(), x_.cols()); }

  /// Whether the last step, from the value `before`, was worth little.
  [[nodiscard]] bool is_slow(double before) const {
    return options_.least_decrease > 0 && std::isfinite(before) &&
           before - result_.value <=
               options_.least_decrease * std::max({1.0, std::abs(before), std::abs(result_.value)});
  }

  bool is_flat() {
    const double length = std::sqrt(dot(gradient_, gradient_));
    if (length <= options_.tolerance * std::max(1.0, std::sqrt(dot(x_, x_)))) {
      return true;
    }
    if (length > options_.steepest * std::sqrt(static_cast<double>(x_.size()))) {
      return false;  // an element is larger than the root mean square
    }
    const std::vector<double> elements = device_.download(gradient_);
    return std::all_of(elements.begin(), elements.end(), [&](double g) { return std::abs(g) <= options_.steepest; });
  }

  double evaluate(View at, View gradient) {
    ++result_.evaluations;
    return objective_(at, gradient);
  }

  double dot(View a, View b) {
    device_.indexed_row_dots(a, b, every_row_, products_);
    return device_.sum(products_);
  }

  /// direction = -H gradient, H the inverse Hessian that the pairs describe.
  void choose_direction() {
    device_.copy(gradient_, direction_);
    std::vector<double> share(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      share[i] = dot(pairs_[i].s, direction_) / pairs_[i].curvature;
      device_.add(-share[i], pairs_[i].y, direction_);
    }
    if (!pairs_.empty()) {
      const Pair& last = pairs_.back();
      device_.scale(last.curvature / dot(last.y, last.y), direction_);
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double change = share[i] - dot(pairs_[i].y, direction_) / pairs_[i].curvature;
      device_.add(change, pairs_[i].s, direction_);
    }
    device_.scale(-1, direction_);
  }

  /// One iteration. False when no step lowers the value.
  bool step() {
    choose_direction();
    double slope = dot(gradient_, direction_);
    if (!(slope < 0) && !pairs_.empty()) {  // rounding spoilt the pairs: begin again from steepest descent
      pairs_.clear();
      choose_direction();
      slope = dot(gradient_, direction_);
    }
    if (!(slope < 0)) {
      return false;
    }
    // The first direction has the gradient's length, which says nothing about distances.
    if (options_.search == LineSearch::more_thuente) {
      const double first = result_.iterations == 0 ? 1 / std::sqrt(-slope) : 1.0;
      if (!search_more_thuente(first, slope)) {
        if (pairs_.empty()) {
          return false;
        }
        pairs_.clear();
        return step();
      }
    } else {
      const double first = pairs_.empty() ? std::min(1.0, 1 / std::sqrt(-slope)) : 1.0;
      if (!search(first, slope)) {
        return false;
      }
    }
    remember();
    return true;
  }

  bool search_more_thuente(double first, double slope) {
    MoreThuenteSearch search(result_.value, slope, first);
    for (int tries = 0; tries < longest_more_thuente; ++tries) {
      trial_value_ = try_step(search.step());
      if (!std::isfinite(trial_value_)) {
        return false;
      }
      if (search.accepts(trial_value_, dot(trial_gradient_, direction_))) {
        return true;
      }
    }
    return false;
  }

  /// Bisection for the weak Wolfe conditions, with interpolation (Lewis and Overton, "Nonsmooth optimization via
  /// quasi-Newton methods", 2013): `low` may still be lengthened, `high` is too long. Leaves the point in trial_.
  bool search(double step, double slope) {
    double low = 0;
    double low_value = result_.value;
    double low_slope = slope;
    double high = std::numeric_limits<double>::infinity();
    for (int tries = 0; tries < longest_search; ++tries) {
      const double value = try_step(step);
      double next = 2 * step;
      if (!(value <= result_.value + sufficient_decrease * step * slope)) {
        high = step;
        next = between(low, low_value, low_slope, high, value);
      } else {
        const double here = dot(trial_gradient_, direction_);
        if (here >= curvature * slope) {
          trial_value_ = value;
          return true;
        }
        low = step;
        low_value = value;
        low_slope = here;
        next = std::isinf(high) ? 2 * step : (low + high) / 2;
      }
      step = next;
    }
    // The digits end before the conditions hold: the longest step that lowered the value will do.
    if (low > 0) {
      trial_value_ = try_step(low);
      return trial_value_ < result_.value;
    }
    return false;
  }

  double try_step(double step) {
    device_.copy(x_, trial_);
    device_.add(step, direction_, trial_);
    return evaluate(trial_, trial_gradient_);
  }

  /// The minimum of the parabola through the low end's value and slope and the high end's value, kept off both ends.
  static double between(double low, double value, double slope, double high, double high_value) {
    const double length = high - low;
    const double bend = high_value - value - slope * length;
    const double wanted = std::isfinite(bend) && bend > 0 ? -slope * length / (2 * bend) : 0.5;
    return low + std::clamp(wanted, 0.1, 0.9) * length;
  }

  /// Accepts the trial point and keeps what its step tells about the Hessian.
  void remember() {
    Pair pair;
    if (pairs_.size() >= std::max<std::size_t>(options_.memory, 1)) {
      pair = std::move(pairs_.front());
      pairs_.pop_front();
    } else {
      pair = {like_x(), like_x(), 0};
    }
    device_.copy(trial_, pair.s);
    device_.add(-1, x_, pair.s);
    device_.copy(trial_gradient_, pair.y);
    device_.add(-1, gradient_, pair.y);
    pair.curvature = dot(pair.s, pair.y);
    if (pair.curvature > std::numeric_limits<double>::epsilon() * dot(pair.y, pair.y)) {
      pairs_.push_back(std::move(pair));
    }
    device_.copy(trial_, x_);
    device_.copy(trial_gradient_, gradient_);
    result_.value = trial_value_;
  }

  Device& device_;
  const Objective& objective_;
  const LbfgsOptions& options_;
  View x_;
  Matrix gradient_;
  Matrix trial_;
  Matrix trial_gradient_;
  Matrix direction_;
  Matrix products_;
  Index every_row_;
  double trial_value_ = 0;
  std::deque<Pair> pairs_;
  LbfgsResult result_;
};

}  // namespace

LbfgsResult minimise(Device& device, const Objective& objective, View x, const LbfgsOptions& options) {
  return Minimiser(device, objective, x, options).run();
}

}  // namespace itm
