#include "numerics/k_means.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace itm {
namespace {

constexpr std::size_t most_iterations = 300;
constexpr double relative_tolerance = 1e-4;
constexpr std::size_t block_rows = 1024;

/// Calls use(rows, first) with consecutive blocks of x.
template <typename Use>
void in_blocks(View x, const Use& use) {
  for (std::size_t first = 0; first < x.rows(); first += block_rows) {
    use(x.rows(first, std::min(block_rows, x.rows() - first)), first);
  }
}

std::vector<double> row_squares(Device& device, View x) {
  const Matrix squares = device.scratch(1, x.rows());
  device.row_squares(x, squares);
  return device.download(squares);
}

/// Arthur and Vassilvitskii's start in its greedy form: of 2 + log k rows drawn in proportion to their squared distance
/// to the nearest centre so far, the one becomes a centre that lowers the sum of these distances most.
class PlusPlus {
 public:
  PlusPlus(Device& device, View x, std::size_t clusters, NumpyRandom& random)
      : device_(device),
        x_(x),
        random_(random),
        trials_(2 + static_cast<std::size_t>(std::log(static_cast<double>(clusters)))),
        squares_(row_squares(device, x)),
        squares_on_device_(device.matrix_of(squares_, 1, x.rows())),
        closest_(device.scratch(1, x.rows())),
        distances_(device.scratch(trials_, x.rows())),
        candidates_(device.scratch(trials_, x.cols())),
        cumulated_(x.rows()) {
    device.fill(closest_, std::numeric_limits<double>::infinity());
  }

  /// The next centre's row.
  std::int32_t next() {
    const std::vector<std::int32_t> rows = draw();
    const Matrix rows_of_x = candidates_;
    const View candidates = rows_of_x.rows(0, rows.size());
    const View distances = distances_.rows(0, rows.size());
    device_.gather_rows(x_, device_.index(rows), candidates);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      device_.fill(distances.row(t), squares_[static_cast<std::size_t>(rows[t])]);
    }
    device_.add_to_rows(1, squares_on_device_, distances);
    device_.multiply(-2, candidates, Op::none, x_, Op::transpose, 1, distances);
    device_.clamp_rows(closest_, distances);
    std::size_t best = 0;
    for (std::size_t t = 0; t < rows.size(); ++t) {
      const double potential = device_.sum(distances.row(t));
      if (t == 0 || potential < potential_) {
        best = t;
        potential_ = potential;
      }
    }
    device_.copy(distances.row(best), closest_);
    return rows[best];
  }

 private:
  std::vector<std::int32_t> draw() {
    if (!begun_) {
      begun_ = true;
      return {static_cast<std::int32_t>(random_.below(x_.rows()))};
    }
    device_.download(closest_, cumulated_);
    std::partial_sum(cumulated_.begin(), cumulated_.end(), cumulated_.begin());
    std::vector<std::int32_t> rows(trials_);
    for (std::int32_t& row : rows) {
      const auto found = std::lower_bound(cumulated_.begin(), cumulated_.end(), random_.uniform() * potential_);
      row = static_cast<std::int32_t>(std::min<std::ptrdiff_t>(found - cumulated_.begin(), std::ssize(cumulated_) - 1));
    }
    return rows;
  }

  Device& device_;
  View x_;
  NumpyRandom& random_;
  std::size_t trials_;
  std::vector<double> squares_;  ///< N: |x_i|^2
  Matrix squares_on_device_;
  Matrix closest_;    ///< 1 x N: squared distance to the nearest centre
  Matrix distances_;  ///< trials x N
  Matrix candidates_;
  std::vector<double> cumulated_;
  double potential_ = 0;  ///< sum of closest_
  bool begun_ = false;
};

class Lloyd {
 public:
  Lloyd(Device& device, View x, Matrix centres)
      : device_(device),
        x_(x),
        clusters_(centres.rows()),
        centres_(std::move(centres)),
        next_(device.scratch(clusters_, x.cols())),
        products_(device.scratch(std::min(block_rows, x.rows()), clusters_)),
        labels_(x.rows(), -1) {}

  /// Labels of the nearest centres. True when none has changed.
  bool assign() {
    const Matrix squares = device_.scratch(1, clusters_);
    device_.row_squares(centres_, squares);
    bool same = true;
    in_blocks(x_, [&](View x, std::size_t first) {
      // The nearest centre has the largest 2 <x, c> - |c|^2.
      const View products = products_.rows(0, x.rows());
      device_.multiply(2, x, Op::none, centres_, Op::transpose, 0, products);
      device_.add_to_rows(-1, squares, products);
      const std::vector<std::int32_t> nearest = device_.argmax_rows(products);
      const auto to = labels_.begin() + static_cast<std::ptrdiff_t>(first);
      same = same && std::equal(nearest.begin(), nearest.end(), to);
      std::copy(nearest.begin(), nearest.end(), to);
    });
    return same;
  }

  /// Moves every centre to the mean of its rows. Returns the sum of their squared ways.
  double move() {
    const Index labels = device_.index(labels_);
    std::vector<double> sizes(clusters_);
    for (const std::int32_t label : labels_) {
      sizes[static_cast<std::size_t>(label)] += 1;
    }
    device_.fill(next_, 0);
    device_.add_class_sums(x_, labels, next_);
    if (std::find(sizes.begin(), sizes.end(), 0.0) != sizes.end()) {
      relocate(labels, sizes);
    }
    std::vector<double> inverse(clusters_);
    std::transform(sizes.begin(), sizes.end(), inverse.begin(), [](double n) { return n > 0 ? 1 / n : 0; });
    device_.scale_rows(device_.matrix_of(inverse, 1, clusters_), next_);
    const auto largest = static_cast<std::size_t>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    for (std::size_t c = 0; c < clusters_; ++c) {
      if (sizes[c] <= 0) {
        device_.copy(next_.row(largest), next_.row(c));
      }
    }
    device_.add(-1, next_, centres_);
    const std::vector<double> ways = row_squares(device_, centres_);
    device_.copy(next_, centres_);
    return std::accumulate(ways.begin(), ways.end(), 0.0);
  }

  [[nodiscard]] KMeansResult result(std::size_t iterations) && {
    return {std::move(labels_), std::move(centres_), iterations};
  }

 private:
  /// Clusters without rows take the rows farthest from their centres. Changes the sums in next_ and the sizes.
  void relocate(const Index& labels, std::vector<double>& sizes) {
    std::vector<double> distances;
    const Matrix buffer = device_.scratch(std::min(block_rows, x_.rows()), x_.cols());
    in_blocks(x_, [&](View x, std::size_t first) {
      const View away = buffer.rows(0, x.rows());
      device_.copy(x, away);
      device_.add_indexed_rows(-1, centres_, labels.view().columns(first, x.rows()), away);
      const std::vector<double> squares = row_squares(device_, away);
      distances.insert(distances.end(), squares.begin(), squares.end());
    });
    if (*std::max_element(distances.begin(), distances.end()) == 0.0) {
      return;  // fewer distinct rows than clusters
    }
    std::vector<std::size_t> farthest(distances.size());
    std::iota(farthest.begin(), farthest.end(), std::size_t{0});
    const auto empty = std::count(sizes.begin(), sizes.end(), 0.0);
    std::partial_sort(farthest.begin(), farthest.begin() + empty, farthest.end(), [&](std::size_t a, std::size_t b) {
      return distances[a] != distances[b] ? distances[a] > distances[b] : a < b;
    });
    auto row = farthest.begin();
    for (std::size_t c = 0; c < clusters_; ++c) {
      if (sizes[c] != 0.0) {
        continue;
      }
      const auto from = static_cast<std::size_t>(labels_[*row]);
      device_.add(-1, x_.row(*row), next_.row(from));
      device_.copy(x_.row(*row), next_.row(c));
      sizes[from] -= 1;
      sizes[c] = 1;
      ++row;
    }
  }

  Device& device_;
  View x_;
  std::size_t clusters_;
  Matrix centres_;   ///< k x d
  Matrix next_;      ///< k x d
  Matrix products_;  ///< block x k
  std::vector<std::int32_t> labels_;
};

/// Mean variance of the columns of centred rows.
double mean_variance(Device& device, View x) {
  const std::vector<double> squares = row_squares(device, x);
  return std::accumulate(squares.begin(), squares.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

KMeansResult k_means(Device& device, View x, std::size_t clusters, NumpyRandom& random,
                     const std::function<void()>& checkpoint) {
  Matrix centres = device.scratch(clusters, x.cols());
  {
    PlusPlus start(device, x, clusters, random);
    for (std::size_t c = 0; c < clusters; ++c) {
      checkpoint();
      device.copy(x.row(static_cast<std::size_t>(start.next())), centres.row(c));
    }
  }
  const double tolerance = relative_tolerance * mean_variance(device, x);
  Lloyd lloyd(device, x, std::move(centres));
  for (std::size_t iteration = 1;; ++iteration) {
    checkpoint();
    const bool settled = lloyd.assign();
    const double moved = lloyd.move();
    if (settled) {
      return std::move(lloyd).result(iteration);
    }
    if (moved <= tolerance || iteration == most_iterations) {
      (void)lloyd.assign();  // labels of the centres as they are now
      return std::move(lloyd).result(iteration);
    }
  }
}

}  // namespace itm
