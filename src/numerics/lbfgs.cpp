#include "numerics/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "numerics/more_thuente.hpp"

namespace itm {
namespace {

constexpr double sufficient_decrease = 1e-4;
constexpr double curvature = 0.9;
constexpr int longest_search = 30;
constexpr int longest_more_thuente = 20;  // L-BFGS-B's

/// A place with what is known there, all of it on the device.
struct Point {
  Matrix x;
  Matrix gradient;
  Matrix direction;  ///< of the search that begins here
  Matrix numbers;  ///< 1 x 5: value, the slope of the search that led here, |gradient|^2, |x|^2, the direction's slope
};

/// `numbers` of a point and the products of the step to it, on the host.
struct Facts {
  double value = 0;
  double slope_here = 0;  ///< of the search that led here
  double gradient_square = 0;
  double x_square = 0;
  double slope = 0;  ///< of the search that begins here
  double curvature = 0;
  double change_square = 0;
};

class Minimiser {
 public:
  Minimiser(Device& device, const Objective& objective, View x, const LbfgsOptions& options)
      : device_(device),
        objective_(objective),
        options_(options),
        x_(x),
        memory_(std::max<std::size_t>(options.memory, 1)),
        here_(new_point()),
        next_(new_point()),
        spare_(new_pair()) {
    device.copy(x, here_.x);
  }

  LbfgsResult run() {
    evaluate(here_);
    find_direction(here_, pairs_);
    facts_ = read(here_, nullptr);
    double before = std::numeric_limits<double>::infinity();
    while (true) {
      result_.value = facts_.value;
      result_.converged = is_flat() || is_slow(before);
      before = result_.value;
      if (result_.converged || result_.iterations == options_.iterations || !step()) {
        device_.copy(here_.x, x_);
        return result_;
      }
      ++result_.iterations;
    }
  }

 private:
  [[nodiscard]] Matrix like_x() const { return device_.matrix(x_.rows(), x_.cols()); }
  [[nodiscard]] Point new_point() const { return {like_x(), like_x(), like_x(), device_.matrix(1, 5)}; }
  [[nodiscard]] LbfgsPair new_pair() const { return {like_x(), like_x(), device_.matrix(1, 2)}; }

  /// Whether the last step, from the value `before`, was worth little.
  [[nodiscard]] bool is_slow(double before) const {
    return options_.least_decrease > 0 && std::isfinite(before) &&
           before - facts_.value <= options_.least_decrease * std::max({1.0, std::abs(before), std::abs(facts_.value)});
  }

  /// Waits where no element may be too large.
  bool is_flat() {
    const double length = std::sqrt(facts_.gradient_square);
    if (length <= options_.tolerance * std::max(1.0, std::sqrt(facts_.x_square))) {
      return true;
    }
    if (!(length <= options_.steepest * std::sqrt(static_cast<double>(x_.size())))) {
      return false;  // an element is larger than the root mean square
    }
    const std::vector<double> elements = device_.read(here_.gradient);
    return std::all_of(elements.begin(), elements.end(), [&](double g) { return std::abs(g) <= options_.steepest; });
  }

  /// Value, gradient and the squares.
  void evaluate(Point& at) {
    ++result_.evaluations;
    device_.fill(at.numbers, 0);
    objective_(at.x, at.gradient, at.numbers.columns(0, 1));
    device_.add_dot(at.gradient, at.gradient, at.numbers.columns(2, 1));
    device_.add_dot(at.x, at.x, at.numbers.columns(3, 1));
  }

  void find_direction(Point& at, const std::vector<LbfgsPair>& pairs) {
    device_.lbfgs_direction(at.gradient, pairs, at.direction);
    device_.fill(at.numbers.columns(4, 1), 0);
    device_.add_dot(at.gradient, at.direction, at.numbers.columns(4, 1));
  }

  [[nodiscard]] Facts read(const Point& at, const LbfgsPair* step) {
    const Matrix& products = step != nullptr ? step->products : spare_.products;
    const std::vector<std::vector<double>> all = device_.read({at.numbers, products});
    return {all[0][0], all[0][1], all[0][2], all[0][3], all[0][4], all[1][0], all[1][1]};
  }

  /// One iteration. False when no step lowers the value.
  bool step() {
    if (!(facts_.slope < 0) && !pairs_.empty()) {  // rounding spoilt the pairs
      forget();
    }
    if (!(facts_.slope < 0)) {
      return false;
    }
    // The first direction has the gradient's length, which says nothing about distances.
    if (options_.search == LineSearch::more_thuente) {
      const double first = result_.iterations == 0 ? 1 / std::sqrt(-facts_.slope) : 1.0;
      if (!search_more_thuente(first)) {
        if (pairs_.empty()) {
          return false;
        }
        forget();
        return step();
      }
    } else {
      const double first = pairs_.empty() ? std::min(1.0, 1 / std::sqrt(-facts_.slope)) : 1.0;
      if (!search(first)) {
        return false;
      }
    }
    accept();
    return true;
  }

  /// Begins again from steepest descent.
  void forget() {
    pairs_.clear();
    find_direction(here_, pairs_);
    facts_ = read(here_, nullptr);
  }

  bool search_more_thuente(double first) {
    MoreThuenteSearch search(facts_.value, facts_.slope, first);
    for (int tries = 0; tries < longest_more_thuente; ++tries) {
      try_step(search.step());
      if (!std::isfinite(next_facts_.value)) {
        return false;
      }
      if (search.accepts(next_facts_.value, next_facts_.slope_here)) {
        return true;
      }
    }
    return false;
  }

  /// Bisection for the weak Wolfe conditions, with interpolation (Lewis and Overton, "Nonsmooth optimization via
  /// quasi-Newton methods", 2013): `low` may still be lengthened, `high` is too long. Leaves the point in next_.
  bool search(double step) {
    const double slope = facts_.slope;
    double low = 0;
    double low_value = facts_.value;
    double low_slope = slope;
    double high = std::numeric_limits<double>::infinity();
    for (int tries = 0; tries < longest_search; ++tries) {
      try_step(step);
      double next = 2 * step;
      if (!(next_facts_.value <= facts_.value + sufficient_decrease * step * slope)) {
        high = step;
        next = between(low, low_value, low_slope, high, next_facts_.value);
      } else {
        if (next_facts_.slope_here >= curvature * slope) {
          return true;
        }
        low = step;
        low_value = next_facts_.value;
        low_slope = next_facts_.slope_here;
        next = std::isinf(high) ? 2 * step : (low + high) / 2;
      }
      step = next;
    }
    // The digits end before the conditions hold: the longest step that lowered the value will do.
    if (low > 0) {
      try_step(low);
      return next_facts_.value < facts_.value;
    }
    return false;
  }

  /// The point after a step, what the step tells about the Hessian, and the direction from there if it is taken.
  void try_step(double step) {
    device_.copy(here_.x, next_.x);
    device_.add(step, here_.direction, next_.x);
    evaluate(next_);
    device_.add_dot(next_.gradient, here_.direction, next_.numbers.columns(1, 1));

    device_.copy(next_.x, spare_.s);
    device_.add(-1, here_.x, spare_.s);
    device_.copy(next_.gradient, spare_.y);
    device_.add(-1, here_.gradient, spare_.y);
    device_.fill(spare_.products, 0);
    device_.add_dot(spare_.s, spare_.y, spare_.products.columns(0, 1));
    device_.add_dot(spare_.y, spare_.y, spare_.products.columns(1, 1));
    find_direction(next_, pairs_with_step());
    next_facts_ = read(next_, &spare_);
  }

  /// The minimum of the parabola through the low end's value and slope and the high end's value, kept off both ends.
  static double between(double low, double value, double slope, double high, double high_value) {
    const double length = high - low;
    const double bend = high_value - value - slope * length;
    const double wanted = std::isfinite(bend) && bend > 0 ? -slope * length / (2 * bend) : 0.5;
    return low + std::clamp(wanted, 0.1, 0.9) * length;
  }

  [[nodiscard]] std::vector<LbfgsPair> pairs_with_step() const {
    const bool full = pairs_.size() == memory_;
    std::vector<LbfgsPair> pairs(pairs_.begin() + (full ? 1 : 0), pairs_.end());
    pairs.push_back(spare_);
    return pairs;
  }

  /// Goes on from the point that was tried.
  void accept() {
    if (next_facts_.curvature > std::numeric_limits<double>::epsilon() * next_facts_.change_square) {
      LbfgsPair unused = pairs_.size() == memory_ ? pairs_.front() : new_pair();
      pairs_ = pairs_with_step();
      spare_ = std::move(unused);
    } else {  // the step says nothing: the direction that it had a part in is found again
      if (pairs_.size() == memory_) {
        pairs_.erase(pairs_.begin());
      }
      find_direction(next_, pairs_);
      next_facts_ = read(next_, &spare_);
    }
    std::swap(here_, next_);
    facts_ = next_facts_;
  }

  Device& device_;
  const Objective& objective_;
  const LbfgsOptions& options_;
  View x_;
  std::size_t memory_;
  Point here_;
  Point next_;
  Facts facts_;       ///< of here_
  Facts next_facts_;  ///< of next_
  std::vector<LbfgsPair> pairs_;
  LbfgsPair spare_;  ///< the step that is being tried
  LbfgsResult result_;
};

}  // namespace

LbfgsResult minimise(Device& device, const Objective& objective, View x, const LbfgsOptions& options) {
  return Minimiser(device, objective, x, options).run();
}

}  // namespace itm
