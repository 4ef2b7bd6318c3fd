#include "numerics/nearest_rows.hpp"

#include <algorithm>
#include <cmath>
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
    const View is_zero = points.columns(x.cols(), 1);
    device.transpose(squares, is_zero);
    device.map(Map::is_zero, is_zero);
    device.map(Map::inverse_root, squares);
    device.scale_rows(squares, x);
    device.copy(x, points.columns(0, x.cols()));
  }

  const ModelInput& input_;
  Metric metric_;
};

/// The nearest few of the points seen so far, for each of some rows.
class Shortlist {
 public:
  Shortlist(Device& device, std::size_t rows, std::size_t keep) : device_(&device), keep_(keep), nearest_(rows) {}

  /// `distances` [rows, b] to the points first, first + 1, ...; in any order of `first`.
  void add(ConstView distances, std::size_t first) {
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
    const std::vector<double> value = device_->read(values);
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

/// All rows against all, in square tiles of products. A tile serves the rows of both its sides, so each pair of tiles
/// is multiplied once.
class Search {
 public:
  Search(const ModelInput& input, Metric metric, std::size_t count)
      : input_(input),
        device_(input.device()),
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
    for (std::size_t other = both_sides_ ? t : 0; other < tiles(); ++other) {
      input_.check_cancelled();
      compare(mine, t, other == t ? mine : load(other), other);
    }
    const Shortlist candidates = std::move(*lists_[t]);
    lists_[t].reset();
    return decide(mine, candidates);
  }

 private:
  static constexpr std::size_t tile = 512;  // distances of a tile fit a core's cache
  static constexpr std::size_t spare = 8;

  /// Rows as they are, and about the mean with what makes a product of two of them their squared distance:
  /// [-2 x, 1, |x|^2] and [y, |y|^2, 1].
  struct Tile {
    Matrix points;
    Matrix left;
    Matrix right;
    Matrix squares;  ///< 1 x rows: |x|^2
  };

  [[nodiscard]] Tile load(std::size_t t) const {
    const std::size_t rows = std::min(tile, input_.rows() - t * tile);
    const std::size_t dims = points_.dims();
    std::vector<std::uint32_t> wanted(rows);
    std::iota(wanted.begin(), wanted.end(), first_of(t));
    Tile made{device_.scratch(rows, dims), device_.scratch(rows, dims + 2), device_.scratch(rows, dims + 2),
              device_.scratch(1, rows)};
    points_.for_each_block(wanted, [&](View x, std::size_t at) {
      device_.copy(x, made.points.rows(at, x.rows()));
      device_.add_to_rows(-1, mean_, x);
      device_.copy(x, made.right.rows(at, x.rows()).columns(0, dims));
    });
    const View centred = made.right.view().columns(0, dims);
    device_.row_squares(centred, made.squares);
    device_.copy(centred, made.left.view().columns(0, dims));
    device_.scale(-2, made.left.view().columns(0, dims));
    device_.fill(made.left.view().columns(dims, 1), 1);
    device_.transpose(made.squares, made.left.view().columns(dims + 1, 1));
    device_.transpose(made.squares, made.right.view().columns(dims, 1));
    device_.fill(made.right.view().columns(dims + 1, 1), 1);
    return made;
  }

  Shortlist& list_of(std::size_t t) {
    if (!lists_[t]) {
      lists_[t].emplace(device_, std::min(tile, input_.rows() - t * tile), keep_);
    }
    return *lists_[t];
  }

  void compare(const Tile& mine, std::size_t t, const Tile& theirs, std::size_t other) {
    const Matrix distances = device_.scratch(mine.left.rows(), theirs.right.rows());
    device_.multiply(1, mine.left, Op::none, theirs.right, Op::transpose, 0, distances);
    list_of(t).add(distances, first_of(other));
    if (both_sides_ && other != t) {
      const Matrix turned = device_.scratch(distances.cols(), distances.rows());
      device_.transpose(distances, turned);
      list_of(other).add(turned, first_of(t));
    }
  }

  /// What rounding may add to or take from the product that is the squared distance of x to a row y at most `distance`
  /// from it: a product of D + 2 terms is off by at most (D + few) u times the sum of their sizes, which is at most
  /// (|x| + |y|)^2, and |y| <= |x| + |x - y|; |x|^2 and |y|^2 are such products themselves.
  [[nodiscard]] double rounding(double square, double distance) const {
    const double reach = 2 * std::sqrt(square) + std::sqrt(std::max(distance, 0.0));
    return 2 * (static_cast<double>(points_.dims()) + 8) * input_.product_rounding() * reach * reach;
  }

  /// The nearest of the candidates, by distances that are measured where the products leave a doubt.
  [[nodiscard]] std::vector<std::vector<Neighbour>> decide(const Tile& mine, const Shortlist& candidates) const {
    const std::size_t rows = mine.points.rows();
    const std::vector<double> square = device_.read(mine.squares);
    std::vector<std::size_t> needed(rows);
    // Those that may be among the nearest. The nearest are no farther than the product of the last of them says and
    // twice its rounding more, where roundings are twice as large at most; so much less may be true of the product of
    // another.
    for (std::size_t i = 0; i < rows; ++i) {
      const std::vector<Neighbour>& list = candidates.of(i);
      const double last = list[count_ - 1].distance;
      const double doubt = last + 4 * rounding(square[i], last);
      needed[i] = count_;
      while (needed[i] < list.size() && !(list[needed[i]].distance > doubt)) {
        ++needed[i];
      }
    }
    std::vector<std::vector<Neighbour>> found = measure(mine.points, candidates, needed);
    std::vector<std::int32_t> unsure;
    for (std::size_t i = 0; i < rows; ++i) {
      found[i].resize(count_);
      const std::vector<Neighbour>& list = candidates.of(i);
      const double last = found[i].back().distance;
      // No row outside the candidates can be among the nearest where the last candidate cannot.
      if (list.size() < input_.rows() && !(list.back().distance > last + rounding(square[i], last))) {
        unsure.push_back(static_cast<std::int32_t>(i));
      }
    }
    search_fully(mine.points, unsure, found);
    return found;
  }

  /// The first needed[i] candidates of every row i in their true order.
  [[nodiscard]] std::vector<std::vector<Neighbour>> measure(ConstView x, const Shortlist& candidates,
                                                            const std::vector<std::size_t>& needed) const {
    std::vector<std::vector<Neighbour>> measured(x.rows());
    for (std::size_t c = 0; c < *std::max_element(needed.begin(), needed.end()); ++c) {
      std::vector<std::uint32_t> rows;
      std::vector<std::int32_t> who;
      for (std::size_t i = 0; i < needed.size(); ++i) {
        if (c < needed[i]) {
          rows.push_back(candidates.of(i)[c].row);
          who.push_back(static_cast<std::int32_t>(i));
        }
      }
      const Matrix mine = device_.scratch(who.size(), x.cols());
      device_.gather_rows(x, device_.index(who), mine);
      const Matrix distances = device_.scratch(1, who.size());
      points_.for_each_block(rows, [&](View y, std::size_t first) {
        device_.add(-1, mine.rows(first, y.rows()), y);
        device_.row_squares(y, distances.view().columns(first, y.rows()));
      });
      const std::vector<double> distance = device_.read(distances);
      for (std::size_t i = 0; i < who.size(); ++i) {
        measured[static_cast<std::size_t>(who[i])].push_back({distance[i], rows[i]});
      }
    }
    for (std::vector<Neighbour>& list : measured) {
      std::sort(list.begin(), list.end(), nearer);
    }
    return measured;
  }

  /// Rows with more near neighbours than the products can tell apart: every distance by differences.
  void search_fully(ConstView x, std::span<const std::int32_t> unsure,
                    std::vector<std::vector<Neighbour>>& found) const {
    if (unsure.empty()) {
      return;
    }
    const Matrix some = device_.scratch(unsure.size(), x.cols());
    device_.gather_rows(x, device_.index(unsure), some);
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
  const auto points = [&] {
    const Points all(input, metric);
    Matrix x = input.device().scratch(input.rows(), all.dims());
    all.for_each_block({}, [&](ConstView b, std::size_t at) { input.device().copy(b, x.rows(at, b.rows())); });
    return x;
  };
  const std::size_t few = std::min(count, input.rows());
  if (const std::optional<Neighbourhoods> all = input.device().nearest_rows(points, few)) {
    std::vector<Neighbour> nearest(few);
    for (std::uint32_t row = 0; row < input.rows(); ++row) {
      for (std::size_t i = 0; i < few; ++i) {
        nearest[i] = {all->distances[row * few + i], static_cast<std::uint32_t>(all->rows[row * few + i])};
      }
      use(row, nearest);
    }
    return;
  }
  Search search(input, metric, count);
  for (std::size_t t = 0; t < search.tiles(); ++t) {
    const auto found = search.around(t);
    for (std::uint32_t i = 0; i < found.size(); ++i) {
      use(search.first_of(t) + i, found[i]);
    }
  }
}

}  // namespace itm
