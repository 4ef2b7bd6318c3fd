#include "numerics/held_out.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "itm/error.hpp"
#include "numerics/class_rows.hpp"

namespace itm {
namespace {

/// The pairs of one label in one fold.
class CurveOfFold {
 public:
  CurveOfFold(std::span<const double> scores, std::span<const double> labels, std::size_t columns, std::size_t column,
              RowRange fold)
      : right_(fold.count), has_(fold.count), fold_(fold) {
    const auto score = [&](std::size_t i) { return scores[(fold.first + i) * columns + column]; };
    const auto has = [&](std::size_t i) { return has_[i] != 0; };
    for (std::size_t i = 0; i < fold.count; ++i) {
      has_[i] = labels[(fold.first + i) * columns + column] == 1 ? 1 : 0;
      with_ += has_[i];
    }
    std::vector<std::size_t> order(fold.count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return score(a) < score(b); });
    double with_below = 0;
    double without_below = 0;
    for (auto run = order.begin(); run != order.end();) {
      const double tie = score(*run);
      const auto end = std::find_if(run, order.end(), [&](auto i) { return score(i) != tie; });
      const auto tied_with = static_cast<double>(std::count_if(run, end, has));
      const double tied_without = static_cast<double>(end - run) - tied_with;
      for (; run != end; ++run) {
        right_[*run] = has(*run) ? without_below + tied_without / 2 : with_ - with_below - tied_with / 2;
        right_pairs_ += has(*run) ? right_[*run] : 0;
      }
      with_below += tied_with;
      without_below += tied_without;
    }
  }

  [[nodiscard]] double pairs() const { return with_ * without(); }
  [[nodiscard]] double right_pairs() const { return right_pairs_; }
  /// Adds `factor` times (pairs that are right - share * pairs) of every row.
  void add_influence(double share, double factor, std::vector<double>& influence) const {
    for (std::size_t i = 0; i < right_.size(); ++i) {
      influence[fold_.first + i] += factor * (right_[i] - share * (has_[i] != 0 ? without() : with_));
    }
  }

 private:
  [[nodiscard]] double without() const { return static_cast<double>(right_.size()) - with_; }

  std::vector<double> right_;  ///< pairs of each row that are right
  std::vector<char> has_;      ///< the label
  RowRange fold_;
  double with_ = 0;
  double right_pairs_ = 0;
};

/// The mean over what was judged, and its error from what each row adds to the sum.
void average(HeldOutScore& result, const std::vector<double>& influence) {
  const auto judged = static_cast<double>(result.each.size());
  result.score = std::accumulate(result.each.begin(), result.each.end(), 0.0) / judged;
  result.error = std::sqrt(std::inner_product(influence.begin(), influence.end(), influence.begin(), 0.0)) / judged;
}

}  // namespace

std::size_t Folds::rows() const {
  return std::accumulate(held_out.begin(), held_out.end(), std::size_t{0},
                         [](std::size_t sum, const RowRange& range) { return sum + range.count; });
}

Folds folds_of(const ModelInput& input, std::size_t folds) {
  Folds made;
  if (input.has_split()) {
    for (const bool held_out : {false, true}) {
      const std::size_t first = made.order.size();
      for (std::uint32_t row = 0; row < input.rows(); ++row) {
        if (input.is_held_out(row) == held_out) {
          made.order.push_back(row);
        }
      }
      if (held_out) {
        made.held_out.push_back({first, made.order.size() - first});
      }
    }
    return made;
  }
  const Labels one_class{std::vector<std::int32_t>(input.rows()), 1};
  const bool classes = input.kind() == TargetKind::classes;
  for (const std::vector<std::uint32_t>& rows :
       stratified_folds(classes ? input.labels() : one_class, folds, input.seed())) {
    made.held_out.push_back({made.order.size(), rows.size()});
    made.order.insert(made.order.end(), rows.begin(), rows.end());
  }
  return made;
}

HeldOutScore explained_variance(std::span<const double> predicted, std::span<const double> targets,
                                std::size_t columns) {
  const std::size_t n = targets.size() / columns;
  HeldOutScore result;
  std::vector<double> influence(n);
  for (std::size_t t = 0; t < columns; ++t) {
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) {
      mean += targets[i * columns + t] / static_cast<double>(n);
    }
    double missed = 0;
    double all = 0;
    for (std::size_t i = 0; i < n; ++i) {
      missed += std::pow(targets[i * columns + t] - predicted[i * columns + t], 2);
      all += std::pow(targets[i * columns + t] - mean, 2);
    }
    if (!(all > 0)) {
      continue;
    }
    result.each.push_back(1 - missed / all);
    for (std::size_t i = 0; i < n; ++i) {
      const double miss = std::pow(targets[i * columns + t] - predicted[i * columns + t], 2);
      influence[i] += (miss - missed / all * std::pow(targets[i * columns + t] - mean, 2)) / all;
    }
  }
  if (result.each.empty()) {
    throw InputError("every target is the same in all rows that are held out; hold out other rows");
  }
  average(result, influence);
  return result;
}

HeldOutScore area_under_curves(std::span<const double> scores, std::span<const double> labels, std::size_t columns,
                               std::span<const RowRange> folds) {
  HeldOutScore result;
  std::vector<double> influence(labels.size() / columns);
  for (std::size_t t = 0; t < columns; ++t) {
    std::vector<CurveOfFold> curves;
    double pairs = 0;
    double right = 0;
    for (const RowRange& fold : folds) {
      curves.emplace_back(scores, labels, columns, t, fold);
      pairs += curves.back().pairs();
      right += curves.back().right_pairs();
    }
    if (pairs == 0) {
      continue;
    }
    result.each.push_back(right / pairs);
    for (const CurveOfFold& curve : curves) {
      curve.add_influence(right / pairs, 1 / pairs, influence);
    }
  }
  if (result.each.empty()) {
    throw InputError("no label is both there and not there among the rows that are held out together; hold out others");
  }
  average(result, influence);
  return result;
}

}  // namespace itm
