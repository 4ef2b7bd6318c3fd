#include "numerics/nearest_rows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

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
  Shortlist(Device& device, std::size_t rows, std::size_t keep) : device_(device), keep_(keep), nearest_(rows) {}

  /// `distances` [rows, b] to the points first, first + 1, ...; call with ascending `first`.
  void add(ConstView distances, std::size_t first) {
    const std::size_t rows = distances.rows();
    const std::size_t found = std::min(keep_, distances.cols());
    const std::vector<std::int32_t> columns = device_.smallest_of_rows(distances, found);
    const Matrix values = device_.scratch(found, rows);
    std::vector<std::int32_t> column(rows);
    for (std::size_t c = 0; c < found; ++c) {
      for (std::size_t i = 0; i < rows; ++i) {
        column[i] = columns[i * found + c];
      }
      device_.pick(distances, device_.index(column), values.row(c));
    }
    const std::vector<double> value = device_.read(values);
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

  Device& device_;
  std::size_t keep_;
  std::vector<std::vector<Neighbour>> nearest_;
};

class Search {
 public:
  Search(const ModelInput& input, Metric metric, std::size_t count)
      : input_(input),
        device_(input.device()),
        points_(input, metric),
        count_(std::min(count, input.rows())),
        mean_(device_.matrix(1, points_.dims())) {
    points_.for_each_block({}, [&](View x, std::size_t) { device_.add_column_sums(x, mean_); });
    device_.scale(1 / static_cast<double>(input.rows()), mean_);
  }

  /// The neighbourhoods of rows first, first + 1, ... first + rows - 1.
  std::vector<std::vector<Neighbour>> around(std::uint32_t first, std::size_t rows) {
    std::vector<std::uint32_t> wanted(rows);
    std::iota(wanted.begin(), wanted.end(), first);
    const Matrix x = device_.scratch(rows, points_.dims());
    points_.for_each_block(wanted, [&](View b, std::size_t at) { device_.copy(b, x.rows(at, b.rows())); });
    const Matrix centred = device_.scratch(rows, points_.dims());
    device_.copy(x, centred);
    device_.add_to_rows(-1, mean_, centred);

    const Shortlist candidates = find_candidates(centred);
    std::vector<std::vector<Neighbour>> found = measure(x, candidates);
    const Matrix squares = device_.scratch(1, rows);
    device_.row_squares(centred, squares);
    const std::vector<double> square = device_.read(squares);
    std::vector<std::int32_t> unsure;
    for (std::size_t i = 0; i < rows; ++i) {
      found[i].resize(count_);
      if (!is_complete(found[i].back().distance, candidates.of(i), square[i])) {
        unsure.push_back(static_cast<std::int32_t>(i));
      }
    }
    search_fully(x, unsure, found);
    return found;
  }

 private:
  /// The nearest by |y|^2 - 2 <x, y>, some more than asked for.
  [[nodiscard]] Shortlist find_candidates(ConstView centred) const {
    constexpr std::size_t spare = 8;
    Shortlist candidates(device_, centred.rows(), std::min(count_ + spare, input_.rows()));
    Matrix distances;
    points_.for_each_block({}, [&](View y, std::size_t first) {
      if (distances.cols() != y.rows()) {
        distances = device_.scratch(centred.rows(), y.rows());
      }
      const Matrix squares = device_.scratch(1, y.rows());
      device_.add_to_rows(-1, mean_, y);
      device_.row_squares(y, squares);
      device_.multiply(-2, centred, Op::none, y, Op::transpose, 0, distances);
      device_.add_to_rows(1, squares, distances);
      candidates.add(distances, first);
    });
    return candidates;
  }

  /// The candidates in their true order.
  [[nodiscard]] std::vector<std::vector<Neighbour>> measure(ConstView x, const Shortlist& candidates) const {
    std::vector<std::vector<Neighbour>> measured(x.rows());
    std::vector<std::uint32_t> rows(x.rows());
    const Matrix distances = device_.scratch(1, x.rows());
    for (std::size_t c = 0; c < candidates.of(0).size(); ++c) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i] = candidates.of(i)[c].row;
      }
      points_.for_each_block(rows, [&](View y, std::size_t first) {
        device_.add(-1, x.rows(first, y.rows()), y);
        device_.row_squares(y, distances.view().columns(first, y.rows()));
      });
      const std::vector<double> distance = device_.read(distances);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        measured[i].push_back({distance[i], rows[i]});
      }
    }
    for (std::vector<Neighbour>& list : measured) {
      std::sort(list.begin(), list.end(), nearer);
    }
    return measured;
  }

  /// True when no row outside the candidates can be among the nearest. A product of D terms is off by at most
  /// (D + few) u |x| |y|, and a row y that is as near as the last of the nearest has |y| <= |x| + |x - y|.
  [[nodiscard]] bool is_complete(double last, const std::vector<Neighbour>& candidates, double square) const {
    if (candidates.size() == input_.rows()) {
      return true;
    }
    const double reach = 2 * std::sqrt(square) + std::sqrt(last);
    const double error = (static_cast<double>(points_.dims()) + 8) * input_.product_rounding() * reach * reach;
    return candidates.back().distance + square > last + error;
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
  Matrix mean_;
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
  constexpr std::size_t block = 1024;
  Search search(input, metric, count);
  for (std::size_t first = 0; first < input.rows(); first += block) {
    const auto row = static_cast<std::uint32_t>(first);
    const auto found = search.around(row, std::min(block, input.rows() - first));
    for (std::uint32_t i = 0; i < found.size(); ++i) {
      use(row + i, found[i]);
    }
  }
}

}  // namespace itm
