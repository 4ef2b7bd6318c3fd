// The t-SNE map: the same bits every time, clusters that stay apart, and what it refuses.

#include "core/tsne.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "itm/error.hpp"

namespace itm {
namespace {

constexpr std::size_t rows = 120;
constexpr std::size_t dims = 6;

/// Two clusters of unit noise; rows alternate between them.
std::vector<double> two_clusters(double distance) {
  std::mt19937 generator(7);
  std::normal_distribution<double> normal;
  std::vector<double> points(rows * dims);
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = normal(generator) + ((i / dims) % 2 == 0 ? distance : 0.0);
  }
  return points;
}

TsneOptions options() {
  TsneOptions made;
  made.perplexity = 15;
  return made;
}

double distance(const std::vector<double>& map, std::size_t i, std::size_t j) {
  return std::hypot(map[2 * i] - map[2 * j], map[2 * i + 1] - map[2 * j + 1]);
}

TEST(Tsne, KeepsTwoSeparatedClustersApart) {
  const std::vector<double> map = tsne(two_clusters(10), rows, dims, options());
  for (std::size_t i = 0; i < rows; ++i) {
    double own = 0;
    double other = std::numeric_limits<double>::infinity();
    double nearest_own = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < rows; ++j) {
      if (i == j) continue;
      if ((i + j) % 2 == 0) {
        own = std::max(own, distance(map, i, j));
        nearest_own = std::min(nearest_own, distance(map, i, j));
      } else {
        other = std::min(other, distance(map, i, j));
      }
    }
    EXPECT_LT(nearest_own, other) << "row " << i;
    EXPECT_LT(own, 4 * other) << "row " << i << " lies among the other cluster";
  }
}

TEST(Tsne, IsBitIdenticalInTwoRunsAndMovesWithTheSeed) {
  const std::vector<double> points = two_clusters(2);
  const std::vector<double> first = tsne(points, rows, dims, options());
  EXPECT_EQ(first, tsne(points, rows, dims, options()));
  TsneOptions other = options();
  other.seed = 1;
  EXPECT_NE(first, tsne(points, rows, dims, other));
}

/// The objective cares for neighbours: most of a row's nearest neighbours in the map are near in space as well.
TEST(Tsne, NeighboursInTheMapAreNeighboursInSpace) {
  std::vector<double> line(rows * 2);  // points on a line, so that neighbours are known: i - 1 and i + 1
  for (std::size_t i = 0; i < rows; ++i) {
    line[2 * i] = static_cast<double>(i);
    line[2 * i + 1] = 0.5 * static_cast<double>(i);
  }
  const std::vector<double> map = tsne(line, rows, 2, options());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    std::size_t nearest = i == 0 ? 1 : 0;
    for (std::size_t j = 0; j < rows; ++j) {
      nearest = j != i && distance(map, i, j) < distance(map, i, nearest) ? j : nearest;
    }
    kept += std::max(i, nearest) - std::min(i, nearest) <= 2 ? 1 : 0;
  }
  EXPECT_GE(kept, rows * 9 / 10);
}

TEST(Tsne, DuplicatedRowsAreNoTrouble) {
  std::vector<double> points = two_clusters(5);
  std::copy_n(points.begin(), 20 * dims, points.begin() + 40 * dims);
  const std::vector<double> map = tsne(points, rows, dims, options());
  EXPECT_TRUE(std::all_of(map.begin(), map.end(), [](double value) { return std::isfinite(value); }));
}

TEST(Tsne, RefusesWhatItCannotMap) {
  const std::vector<double> points = two_clusters(1);
  TsneOptions wide = options();
  wide.perplexity = 40;  // 120 rows, 121 wanted
  EXPECT_THROW((void)tsne(points, rows, dims, wide), InputError);
  EXPECT_THROW((void)tsne(std::vector<double>(rows * dims, 0.5), rows, dims, options()), InputError);
  std::vector<double> holed = points;
  holed[17] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW((void)tsne(holed, rows, dims, options()), NumericError);
}

TEST(Tsne, StopsWhenCancelled) {
  TsneOptions stopped = options();
  int asked = 0;
  stopped.cancelled = [&asked] { return ++asked > 3; };
  EXPECT_THROW((void)tsne(two_clusters(1), rows, dims, stopped), Interrupted);
  EXPECT_LT(asked, 10);
}

}  // namespace
}  // namespace itm
