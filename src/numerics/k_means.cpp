#include "numerics/k_means.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace itm {
namespace {

constexpr std::size_t most_iterations = 300;
constexpr double relative_tolerance = 1e-4;

class Lloyd {
 public:
  Lloyd(Device& device, ConstView x, Matrix centres)
      : device_(device),
        x_(x),
        clusters_(centres.rows()),
        block_(std::min(x.rows(), std::max<std::size_t>(1024, device.block_rows(clusters_)))),
        centres_(std::move(centres)),
        next_(device.scratch(clusters_, x.cols())),
        products_(device.scratch(block_, clusters_)),
        labels_(device.index(std::vector<std::int32_t>(x.rows(), -1))) {}

  /// What an iteration did.
  struct Change {
    bool settled = false;  ///< no label has changed
    double moved = 0;      ///< sum of the squared ways of the centres
  };

  /// Labels of the nearest centres, then centres in the mean of their rows.
  Change iterate() {
    const Matrix unchanged = assign();
    const Classes classes = device_.classes(labels_, clusters_);
    const Matrix sizes = device_.scratch(1, clusters_);
    device_.class_sizes(classes, sizes);
    const Matrix moved = device_.matrix(1, 1);
    find_means(classes, sizes);
    move(moved);
    auto read = device_.read({unchanged, moved, sizes});
    Change change{read[0].front() == static_cast<double>(x_.rows()), read[1].front()};
    if (std::find(read[2].begin(), read[2].end(), 0.0) != read[2].end()) {
      fill_empty(classes, std::move(read[2]));
      move(moved);
      change.moved = device_.number(moved);
    }
    device_.copy(next_, centres_);
    return change;
  }

  /// Labels of the nearest centres, in labels_; the number of those that were so before.
  Matrix assign() {
    const Matrix squares = device_.scratch(1, clusters_);
    device_.row_squares(centres_, squares);
    Index nearest = device_.index_scratch(x_.rows());
    for (std::size_t first = 0; first < x_.rows(); first += block_) {
      const ConstView x = x_.rows(first, std::min(block_, x_.rows() - first));
      // The nearest centre has the largest 2 <x, c> - |c|^2.
      const View products = products_.rows(0, x.rows());
      device_.multiply(2, x, Op::none, centres_, Op::transpose, 0, products);
      device_.add_to_rows(-1, squares, products);
      device_.argmax_rows(products, nearest.columns(first, x.rows()));
    }
    Matrix unchanged = device_.matrix(1, 1);
    device_.add_equal(nearest, labels_, unchanged);
    labels_ = std::move(nearest);
    return unchanged;
  }

  [[nodiscard]] KMeansResult result(std::size_t iterations) && {
    return {std::move(labels_), std::move(centres_), iterations};
  }

 private:
  /// next_ = the means of the clusters' rows; zeros where there are none.
  void find_means(const Classes& classes, ConstView sizes) {
    device_.fill(next_, 0);
    device_.add_class_sums(x_, classes.rows(), next_);
    const Matrix inverse = device_.copy_of(sizes);
    device_.map(Map::inverse, inverse);
    device_.scale_rows(inverse, next_);
  }

  /// moved = the squared ways from centres_ to next_.
  void move(View moved) {
    const Matrix way = device_.copy_of(centres_);
    device_.add(-1, next_, way);
    device_.fill(moved, 0);
    device_.add_dot(way, way, moved);
  }

  /// Clusters without rows take the rows farthest from their centres; where there are fewer distinct rows than
  /// clusters, they take the place of the largest cluster. Changes next_.
  void fill_empty(const Classes& classes, std::vector<double> sizes) {
    const std::vector<std::int32_t> labels = device_.read(labels_);
    const Matrix squares = device_.scratch(1, x_.rows());
    const Matrix buffer = device_.scratch(block_, x_.cols());
    for (std::size_t first = 0; first < x_.rows(); first += block_) {
      const ConstView x = x_.rows(first, std::min(block_, x_.rows() - first));
      const View away = buffer.rows(0, x.rows());
      device_.copy(x, away);
      device_.add_indexed_rows(-1, centres_, classes.labels(first, x.rows()), away);
      device_.row_squares(away, squares.columns(first, x.rows()));
    }
    device_.fill(next_, 0);
    device_.add_class_sums(x_, classes.rows(), next_);
    relocate(device_.read(squares), labels, sizes);
    std::vector<double> inverse(clusters_);
    std::transform(sizes.begin(), sizes.end(), inverse.begin(), [](double n) { return n > 0 ? 1 / n : 0; });
    device_.scale_rows(device_.matrix_of(inverse, 1, clusters_), next_);
    const auto largest = static_cast<std::size_t>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    for (std::size_t c = 0; c < clusters_; ++c) {
      if (sizes[c] <= 0) {
        device_.copy(next_.row(largest), next_.row(c));
      }
    }
  }

  /// Changes the sums in next_ and the sizes.
  void relocate(const std::vector<double>& distances, const std::vector<std::int32_t>& labels,
                std::vector<double>& sizes) {
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
      const auto from = static_cast<std::size_t>(labels[*row]);
      device_.add(-1, x_.row(*row), next_.row(from));
      device_.copy(x_.row(*row), next_.row(c));
      sizes[from] -= 1;
      sizes[c] = 1;
      ++row;
    }
  }

  Device& device_;
  ConstView x_;
  std::size_t clusters_;
  std::size_t block_;
  Matrix centres_;   ///< k x d
  Matrix next_;      ///< k x d
  Matrix products_;  ///< block x k
  Index labels_;     ///< N
};

/// Mean variance of the columns of centred rows.
double mean_variance(Device& device, ConstView x) {
  const Matrix squares = device.matrix(1, 1);
  device.add_dot(x, x, squares);
  return device.number(squares) / static_cast<double>(x.size());
}

}  // namespace

KMeansResult k_means(Device& device, ConstView x, std::size_t clusters, NumpyRandom& random,
                     const std::function<void()>& checkpoint) {
  Matrix centres = device.scratch(clusters, x.cols());
  const std::size_t trials = 2 + static_cast<std::size_t>(std::log(static_cast<double>(clusters)));
  const std::size_t first = random.below(x.rows());
  std::vector<double> draws(trials * (clusters - 1));
  std::generate(draws.begin(), draws.end(), [&] { return random.uniform(); });
  device.spread_centres(x, first, draws, centres, checkpoint);

  const double tolerance = relative_tolerance * mean_variance(device, x);
  Lloyd lloyd(device, x, std::move(centres));
  for (std::size_t iteration = 1;; ++iteration) {
    checkpoint();
    const Lloyd::Change change = lloyd.iterate();
    if (change.settled) {
      return std::move(lloyd).result(iteration);
    }
    if (change.moved <= tolerance || iteration == most_iterations) {
      (void)lloyd.assign();  // labels of the centres as they are now
      return std::move(lloyd).result(iteration);
    }
  }
}

}  // namespace itm
