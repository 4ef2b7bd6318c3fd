#pragma once
// Pairs of rows that a product in T cannot rule out as each other's neighbours.
//
// How far a screen can be trusted. Let c be the rows about their mean, scaled so that |c_ij| <= 1, a = c rounded to T
// with unit roundoff u, n_i = |a_i|^2, and s_ij the product of a_i and a_j as BLAS computes it, in whatever order. Then
//   |s_ij - <a_i, a_j>| <= D u / (1 - D u) |a_i| |a_j|    (Higham, "Accuracy and Stability", 2nd ed., 3.1)
//   | |a_i - a_j| - d_ij | <= u (1 + ...) (|a_i| + |a_j|)  where d is the true distance, times the scale
// and as 2 |a_i| |a_j| <= n_i + n_j, the squared distance is between low and high:
//   n_i + n_j - 2 s_ij -+ (e (n_i + n_j) + t),   e = 17/16 ((D + 16) u + (6 D + 40) 2^-53)
// where D u is the product's, 4 u the rows' rounding, 7 u that of the thresholds below, and the second term that of n
// and of the distances measured in the end, so that these too keep the order. t = D 2^-120 is more than what underflow
// takes from either side. A row whose low is above the count-th smallest high is not among the nearest.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/page_allocator.hpp"

namespace itm::cpu {

/// A row that may be near, and what is known of its squared distance.
struct Candidate {
  double low;
  double high;
  std::uint32_t row;
};

/// Rows of a screen and their candidates.
template <typename T>
struct Tile {
  std::vector<std::uint32_t> numbers;
  PageVector<T> values;        ///< [rows, D]
  std::vector<double> square;  ///< n
  // s_ij >= part_j + limit_i where low_ij is at most the smallest high known for row i.
  std::vector<T> part;
  std::vector<T> limit;
  std::vector<std::vector<Candidate>> near;
  std::vector<bool> crowded;  ///< more candidates than it pays to measure; they are let go
  [[nodiscard]] std::size_t rows() const { return numbers.size(); }
};

/// Nobody else's between two calls: it has work memory.
template <typename T>
class Screen {
 public:
  static constexpr std::size_t tile_rows = 512;  ///< products of a tile fit a core's cache

  /// For the `count` nearest of rows of `dims` columns.
  Screen(std::size_t count, std::size_t dims) : count_(count), dims_(dims) {}

  /// At most so many candidates are kept of a row.
  [[nodiscard]] std::size_t most_candidates() const { return 2 * count_ + 64; }
  /// Sets row i of a tile from what it is in float64, about `mean` and times `scale`.
  void set_row(Tile<T>& tile, std::size_t i, const double* x, const double* mean, double scale) const;
  [[nodiscard]] Tile<T> tile(std::vector<std::uint32_t> numbers) const;
  /// From now on rows of the tile have candidates.
  static void open_lists(Tile<T>& tile);
  /// Every row of `mine` against every row of `theirs`, and the other way round where `both`.
  void compare(Tile<T>& mine, Tile<T>& theirs, bool both);
  /// Leaves the candidates of row i that may be among the nearest.
  void tighten(Tile<T>& tile, std::size_t i) const;

 private:
  [[nodiscard]] double doubt() const;
  [[nodiscard]] double vanishing() const { return static_cast<double>(dims_) * 0x1p-120; }
  void set_limit(Tile<T>& tile, std::size_t i, double smallest_high) const;
  void set_first_limit(Tile<T>& mine, std::size_t i, const Tile<T>& theirs, const T* s);
  void add(Tile<T>& tile, std::size_t i, const Tile<T>& other, std::size_t j, T product) const;

  std::size_t count_;
  std::size_t dims_;
  PageVector<T> products_;
  std::vector<double> highs_;
  std::vector<std::uint32_t> hits_;
};

}  // namespace itm::cpu
