#include "numerics/nearest_rows.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>

namespace itm {
namespace {

bool nearer(const Neighbour& a, const Neighbour& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
}

/// The features as points whose Euclidean distances are the metric.
class Points {
 public:
  Points(const ModelInput& input, Metric metric) : input_(input), metric_(metric) {}

  /// Cosine: the unit row, and a coordinate of their own for rows of zeros, so that |a - b|^2 = 2 (1 - cos).
  [[nodiscard]] std::size_t dims() const { return input_.dims() + (metric_ == Metric::cosine ? 1 : 0); }

  /// All rows when none are given.
  void for_each_block(std::span<const std::uint32_t> rows, const ModelInput::Block& block) const {
    if (metric_ == Metric::l2) {
      input_.for_each_block(rows, block);
      return;
    }
    Matrix buffer;
    input_.for_each_block(rows, [&](View x, std::size_t first) {
      if (buffer.rows() < x.rows()) {
        buffer = input_.device().scratch(x.rows(), dims());
      }
      const View points = buffer.rows(0, x.rows());
      to_unit_rows(x, points);
      block(points, first);
    });
  }

 private:
  void to_unit_rows(View x, View points) const {
    Device& device = input_.device();
    const Matrix squares = device.scratch(1, x.rows());
    device.row_squares(x, squares);
    std::vector<double> inverse = device.download(squares);
    std::vector<double> is_zero(inverse.size());
    for (std::size_t i = 0; i < inverse.size(); ++i) {
      is_zero[i] = inverse[i] > 0 ? 0 : 1;
      inverse[i] = inverse[i] > 0 ? 1 / std::sqrt(inverse[i]) : 0;
    }
    device.upload(inverse, squares);
    device.scale_rows(squares, x);
    device.copy(x, points.columns(0, x.cols()));
    device.upload(is_zero, points.columns(x.cols(), 1));
  }

  const ModelInput& input_;
  Metric metric_;
};

/// The nearest few of the points seen so far, for each of some rows.
class Shortlist {
 public:
  Shortlist(Device& device, std::size_t rows, std::size_t keep) : device_(&device), keep_(keep), nearest_(rows) {}

  /// `distances` [rows, b] to the points first, first + 1, ...; in any order of `first`.
  void add(View distances, std::size_t first) {
    const std::size_t rows = distances.rows();
    const std::size_t found = std::min(keep_, distances.cols());
    const std::vector<std::int32_t> columns = device_->smallest_of_rows(distances, found);
    const Matrix values = device_->scratch(found, rows);
    std::vector<std::int32_t> column(rows);
    for (std::size_t c = 0; c < found; ++c) {
      for (std::size_t i = 0; i < rows; ++i) {
        column[i] = columns[i * found + c];
      }
      device_->pick(distances, device_->index(column), values.row(c));
    }
    const std::vector<double> value = device_->download(values);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t c = 0; c < found; ++c) {
        const auto row = static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(columns[i * found + c]);
        if (!insert(nearest_[i], {value[c * rows + i], row})) {
          break;  // those that follow are no nearer
        }
      }
    }
  }

  /// Nearest first.
  [[nodiscard]] const std::vector<Neighbour>& of(std::size_t i) const { return nearest_[i]; }

 private:
  bool insert(std::vector<Neighbour>& list, const Neighbour& one) const {
    if (list.size() == keep_ && !nearer(one, list.back())) {
      return false;
    }
    list.insert(std::upper_bound(list.begin(), list.end(), one, nearer), one);
    if (list.size() > keep_) {
      list.pop_back();
    }
    return true;
  }

  Device* device_;
  std::size_t keep_;
  std::vector<std::vector<Neighbour>> nearest_;
};

/// All rows against all, in square tiles of float32 products. A tile serves the rows of both its sides, so each pair of
/// tiles is multiplied once. Rows whose nearest the rounding of float32 could hide are compared again in float64, and
/// those that it could hide then by differences.
class Search {
 public:
  Search(const ModelInput& input, Metric metric, std::size_t count)
      : input_(input),
        device_(input.device()),
        rough_(make_cpu_device(Arithmetic::float32)),
        points_(input, metric),
        count_(std::min(count, input.rows())),
        keep_(std::min(count_ + spare, input.rows())),
        mean_(device_.matrix(1, points_.dims())) {
    points_.for_each_block({}, [&](View x, std::size_t) { device_.add_column_sums(x, mean_); });
    device_.scale(1 / static_cast<double>(input.rows()), mean_);
    // One pass per pair of tiles keeps a list for every row; where that would be felt, two passes keep those of a tile.
    constexpr std::size_t most_lists = std::size_t{256} << 20U;
    both_sides_ = input.rows() * keep_ * sizeof(Neighbour) <= most_lists;
    lists_.resize(tiles());
  }

  [[nodiscard]] std::size_t tiles() const { return (input_.rows() + tile - 1) / tile; }
  [[nodiscard]] std::uint32_t first_of(std::size_t t) const { return static_cast<std::uint32_t>(t * tile); }

  /// The neighbourhoods of the rows of tile t; call with t = 0, 1, ...
  std::vector<std::vector<Neighbour>> around(std::size_t t) {
    const Tile mine = load(t);
    const Tile left = left_of(mine);
    for (std::size_t other = both_sides_ ? t : 0; other < tiles(); ++other) {
      input_.check_cancelled();
      compare(left, t, other == t ? mine : load(other), other);
    }
    const Shortlist candidates = std::move(*lists_[t]);
    lists_[t].reset();
    std::vector<std::int32_t> unsure;
    std::vector<std::vector<Neighbour>> found = decide(left, candidates, 0x1p-24, unsure);
    if (!unsure.empty()) {
      compare_again(left, unsure, found);
    }
    return found;
  }

 private:
  static constexpr std::size_t tile =
      496;  // distances of a tile fit a core's cache; no power of 2, whose columns collide
  static constexpr std::size_t spare = 8;

  /// Rows about the mean with what makes a product of two of them their squared distance: [y, |y|^2, 1] of the rows to
  /// compare with, [-2 x, 1, |x|^2] of those that are compared.
  struct Tile {
    Matrix rows;
    Matrix squares;  ///< 1 x rows: |x|^2
    std::vector<std::uint32_t> numbers;
  };

  [[nodiscard]] Tile load(std::size_t t) const {
    const std::size_t rows = std::min(tile, input_.rows() - t * tile);
    const std::size_t dims = points_.dims();
    Tile made{device_.scratch(rows, dims + 2), device_.scratch(1, rows), std::vector<std::uint32_t>(rows)};
    std::iota(made.numbers.begin(), made.numbers.end(), first_of(t));
    points_.for_each_block(made.numbers, [&](View x, std::size_t at) {
      device_.add_to_rows(-1, mean_, x);
      device_.copy(x, made.rows.rows(at, x.rows()).columns(0, dims));
    });
    device_.row_squares(made.rows.view().columns(0, dims), made.squares);
    device_.transpose(made.squares, made.rows.view().columns(dims, 1));
    device_.fill(made.rows.view().columns(dims + 1, 1), 1);
    return made;
  }

  [[nodiscard]] Tile left_of(const Tile& t) const {
    const std::size_t dims = points_.dims();
    Tile made{device_.scratch(t.rows.rows(), dims + 2), t.squares, t.numbers};
    device_.copy(t.rows.view().columns(0, dims), made.rows.view().columns(0, dims));
    device_.scale(-2, made.rows.view().columns(0, dims));
    device_.fill(made.rows.view().columns(dims, 1), 1);
    device_.transpose(t.squares, made.rows.view().columns(dims + 1, 1));
    return made;
  }

  Shortlist& list_of(std::size_t t) {
    if (!lists_[t]) {
      lists_[t].emplace(device_, std::min(tile, input_.rows() - t * tile), keep_);
    }
    return *lists_[t];
  }

  void compare(const Tile& left, std::size_t t, const Tile& right, std::size_t other) {
    const Matrix distances = device_.scratch(left.rows.rows(), right.rows.rows());
    rough_->multiply(1, left.rows, Op::none, right.rows, Op::transpose, 0, distances);
    list_of(t).add(distances, first_of(other));
    if (both_sides_ && other != t) {
      const Matrix turned = device_.scratch(distances.cols(), distances.rows());
      device_.transpose(distances, turned);
      list_of(other).add(turned, first_of(t));
    }
  }

  /// What rounding to `unit` may add to or take from the product that is the squared distance of x to a row y at most
  /// `distance` from it: a product of D + 2 rounded terms is off by at most (D + few) u times the sum of their sizes,
  /// which is at most (|x| + |y|)^2, and |y| <= |x| + |x - y|; |x|^2 and |y|^2 are products of their own.
  [[nodiscard]] double rounding(double square, double distance, double unit) const {
    const double reach = 2 * std::sqrt(square) + std::sqrt(std::max(distance, 0.0));
    const double own = input_.product_rounding();
    return (static_cast<double>(points_.dims()) + 8) * (unit + own) * reach * reach;
  }

  /// The nearest of the candidates of some rows, by distances that are measured. `unsure`: those where a row that is no
  /// candidate may be as near.
  [[nodiscard]] std::vector<std::vector<Neighbour>> decide(const Tile& mine, const Shortlist& candidates, double unit,
                                                           std::vector<std::int32_t>& unsure) const {
    const std::vector<double> square = device_.download(mine.squares);
    // Those that may be among the nearest. The nearest are no farther than the product of the last of them says and
    // twice its rounding more, where roundings are twice as large at most; so much less may be true of the product of
    // another.
    std::vector<std::size_t> needed(square.size());
    for (std::size_t i = 0; i < needed.size(); ++i) {
      const std::vector<Neighbour>& list = candidates.of(i);
      const double last = list[count_ - 1].distance;
      const double doubt = last + 4 * rounding(square[i], last, unit);
      needed[i] = count_;
      while (needed[i] < list.size() && !(list[needed[i]].distance > doubt)) {
        ++needed[i];
      }
    }
    std::vector<std::vector<Neighbour>> found = measure(mine.numbers, candidates, needed);
    for (std::size_t i = 0; i < needed.size(); ++i) {
      found[i].resize(count_);
      const std::vector<Neighbour>& list = candidates.of(i);
      const double last = found[i].back().distance;
      // No row outside the candidates can be among the nearest where the last candidate cannot.
      if (list.size() < input_.rows() && !(list.back().distance > last + rounding(square[i], last, unit))) {
        unsure.push_back(static_cast<std::int32_t>(i));
      }
    }
    return found;
  }

  /// Rows as they are, in the given order.
  [[nodiscard]] Matrix points_of(const std::vector<std::uint32_t>& rows) const {
    Matrix points = device_.scratch(rows.size(), points_.dims());
    points_.for_each_block(rows, [&](View x, std::size_t at) { device_.copy(x, points.rows(at, x.rows())); });
    return points;
  }

  /// The first needed[i] candidates of every row i in their true order.
  [[nodiscard]] std::vector<std::vector<Neighbour>> measure(const std::vector<std::uint32_t>& numbers,
                                                            const Shortlist& candidates,
                                                            const std::vector<std::size_t>& needed) const {
    const Matrix points = points_of(numbers);
    std::vector<std::vector<Neighbour>> measured(numbers.size());
    for (std::size_t c = 0; c < *std::max_element(needed.begin(), needed.end()); ++c) {
      std::vector<std::uint32_t> rows;
      std::vector<std::int32_t> who;
      for (std::size_t i = 0; i < needed.size(); ++i) {
        if (c < needed[i]) {
          rows.push_back(candidates.of(i)[c].row);
          who.push_back(static_cast<std::int32_t>(i));
        }
      }
      const Matrix mine = device_.scratch(who.size(), points.cols());
      device_.gather_rows(points, device_.index(who), mine);
      const Matrix distances = device_.scratch(1, who.size());
      points_.for_each_block(rows, [&](View y, std::size_t first) {
        device_.add(-1, mine.rows(first, y.rows()), y);
        device_.row_squares(y, distances.view().columns(first, y.rows()));
      });
      const std::vector<double> distance = device_.download(distances);
      for (std::size_t i = 0; i < who.size(); ++i) {
        measured[static_cast<std::size_t>(who[i])].push_back({distance[i], rows[i]});
      }
    }
    for (std::vector<Neighbour>& list : measured) {
      std::sort(list.begin(), list.end(), nearer);
    }
    return measured;
  }

  /// Some rows of a tile against all, by the products of the device itself.
  void compare_again(const Tile& left, const std::vector<std::int32_t>& some,
                     std::vector<std::vector<Neighbour>>& found) const {
    const Index places = device_.index(some);
    Tile mine{device_.scratch(some.size(), left.rows.cols()), device_.scratch(1, some.size()), {}};
    device_.gather_rows(left.rows, places, mine.rows);
    device_.transpose(mine.rows.view().columns(points_.dims() + 1, 1), mine.squares);
    std::transform(some.begin(), some.end(), std::back_inserter(mine.numbers),
                   [&](std::int32_t i) { return left.numbers[static_cast<std::size_t>(i)]; });
    Shortlist candidates(device_, some.size(), keep_);
    for (std::size_t other = 0; other < tiles(); ++other) {
      input_.check_cancelled();
      const Tile right = load(other);
      const Matrix distances = device_.scratch(some.size(), right.rows.rows());
      device_.multiply(1, mine.rows, Op::none, right.rows, Op::transpose, 0, distances);
      candidates.add(distances, first_of(other));
    }
    std::vector<std::int32_t> unsure;
    std::vector<std::vector<Neighbour>> better = decide(mine, candidates, input_.product_rounding(), unsure);
    search_fully(mine.numbers, unsure, better);
    for (std::size_t i = 0; i < some.size(); ++i) {
      found[static_cast<std::size_t>(some[i])] = std::move(better[i]);
    }
  }

  /// Rows with more near neighbours than the products can tell apart: every distance by differences.
  void search_fully(const std::vector<std::uint32_t>& numbers, std::span<const std::int32_t> unsure,
                    std::vector<std::vector<Neighbour>>& found) const {
    if (unsure.empty()) {
      return;
    }
    std::vector<std::uint32_t> rows;
    std::transform(unsure.begin(), unsure.end(), std::back_inserter(rows),
                   [&](std::int32_t i) { return numbers[static_cast<std::size_t>(i)]; });
    const Matrix some = points_of(rows);
    Shortlist nearest(device_, unsure.size(), count_);
    Matrix distances;
    points_.for_each_block({}, [&](View y, std::size_t first) {
      if (distances.cols() != y.rows()) {
        distances = device_.scratch(some.rows(), y.rows());
      }
      device_.squared_distances(some, y, distances);
      nearest.add(distances, first);
    });
    for (std::size_t i = 0; i < unsure.size(); ++i) {
      found[static_cast<std::size_t>(unsure[i])] = nearest.of(i);
    }
  }

  const ModelInput& input_;
  Device& device_;
  std::unique_ptr<Device> rough_;
  Points points_;
  std::size_t count_;
  std::size_t keep_;
  Matrix mean_;
  bool both_sides_ = false;
  std::vector<std::optional<Shortlist>> lists_;  ///< of tiles that were begun and not done
};

}  // namespace

void for_each_neighbourhood(const ModelInput& input, Metric metric, std::size_t count,
                            const std::function<void(std::uint32_t row, std::span<const Neighbour>)>& use) {
  Search search(input, metric, count);
  for (std::size_t t = 0; t < search.tiles(); ++t) {
    const auto found = search.around(t);
    for (std::uint32_t i = 0; i < found.size(); ++i) {
      use(search.first_of(t) + i, found[i]);
    }
  }
}

}  // namespace itm
