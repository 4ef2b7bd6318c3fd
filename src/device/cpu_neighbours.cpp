// How far a screen can be trusted. Let c be the rows about their mean, scaled so that |c_ij| <= 1, a = c rounded to T
// with unit roundoff u, n_i = |a_i|^2, and s_ij the product of a_i and a_j as BLAS computes it, in whatever order. Then
//   |s_ij - <a_i, a_j>|    <= D u / (1 - D u) |a_i| |a_j|                 (Higham, "Accuracy and Stability", 2nd
//   ed., 3.1) | |a_i - a_j| - d_ij | <= u (1 + ...) (|a_i| + |a_j|)                 d: the true distance, times the
//   scale
// and as 2 |a_i| |a_j| <= n_i + n_j, the squared distance is between low and high:
//   n_i + n_j - 2 s_ij -+ (e (n_i + n_j) + t),   e = 17/16 ((D + 16) u + (6 D + 40) 2^-53)
// where D u is the product's, 4 u the rows' rounding, 7 u that of the thresholds below, and the second term that of n
// and of the distances measured in the end, so that these too keep the order. t = D 2^-120 is more than what underflow
// takes from either side. A row whose low is above the count-th smallest high is not among the nearest.
#include "device/cpu_neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/page_allocator.hpp"
#include "core/simd.hpp"
#include "device/cpu_rows.hpp"
#include "linalg/blas.hpp"

namespace itm::cpu {
namespace {

constexpr std::size_t tile_rows = 512;  // products of a tile fit a core's cache
constexpr double infinity = std::numeric_limits<double>::infinity();

/// a = T((x - mean) scale); the sum of its squares.
template <typename T>
ITM_CLONES double narrow_centred(const double* x, const double* mean, double scale, T* a, std::size_t count) {
  double square = 0;
#pragma omp simd reduction(+ : square)
  for (std::size_t j = 0; j < count; ++j) {
    const T value = static_cast<T>((x[j] - mean[j]) * scale);
    a[j] = value;
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  return square;
}

ITM_CLONES double largest_size(double most, const double* x, std::size_t count) {
#pragma omp simd reduction(max : most)
  for (std::size_t j = 0; j < count; ++j) {
    const double size = x[j] < 0 ? -x[j] : x[j];
    most = size > most ? size : most;
  }
  return most;
}

/// Columns j of a row i of products that reach the row's threshold or, where `limit` is given, their own.
template <typename T>
ITM_CLONES std::size_t find_hits(const T* s, const T* part, const T* limit, T my_part, T my_limit, std::size_t count,
                                 std::uint32_t* hits) {
  constexpr std::size_t chunk = 64;
  std::size_t found = 0;
  for (std::size_t first = 0; first < count; first += chunk) {
    const std::size_t end = std::min(first + chunk, count);
    int any = 0;
    if (limit == nullptr) {
#pragma omp simd reduction(+ : any)
      for (std::size_t j = first; j < end; ++j) {
        any += s[j] >= part[j] + my_limit ? 1 : 0;
      }
    } else {
#pragma omp simd reduction(+ : any)
      for (std::size_t j = first; j < end; ++j) {
        const T mine = part[j] + my_limit;
        const T theirs = limit[j] + my_part;
        any += s[j] >= (mine < theirs ? mine : theirs) ? 1 : 0;
      }
    }
    for (std::size_t j = first; any != 0 && j < end; ++j) {
      if (s[j] >= part[j] + my_limit || (limit != nullptr && s[j] >= limit[j] + my_part)) {
        hits[found++] = static_cast<std::uint32_t>(j);
      }
    }
  }
  return found;
}

struct Candidate {
  double low;
  double high;
  std::uint32_t row;
};

struct Near {
  double distance;
  std::uint32_t row;
};

bool nearer(const Near& a, const Near& b) { return a.distance != b.distance ? a.distance < b.distance : a.row < b.row; }

/// Rows of one screen and their candidates.
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

class Search {
 public:
  Search(const RowSource& points, std::size_t count)
      : points_(points), count_(std::min(count, points.rows)), mean_(points.cols) {
    const View mean(mean_.data(), 1, mean_.size(), mean_.size());
    double largest = 0;
    points_.read({}, [&](View x, std::size_t) {
      add_column_sums(x, mean);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        largest = largest_size(largest, x.row(i).data(), x.cols());
      }
    });
    cpu::scale(1 / static_cast<double>(points_.rows), mean);
    // Far from where squares of float64 overflow or vanish.
    bounded_ = largest >= 0x1p-400 && largest <= 0x1p400 && points_.cols < (std::size_t{1} << 18U);
    if (bounded_) {
      int exponent = 0;
      (void)std::frexp(largest, &exponent);
      scale_ = std::ldexp(1.0, -exponent - 1);
    }
  }

  using Use = std::function<void(std::size_t first, const Neighbourhoods& found)>;

  void run(const Use& use) {
    if (bounded_ && (screen<float>(use) || screen<double>(use))) {
      return;
    }
    for (std::size_t first = 0; first < points_.rows; first += tile_rows) {
      emit(first, search_fully(numbers_from(first)), use);
    }
  }

 private:
  using Lists = std::vector<std::vector<Near>>;

  // ---- screens ----

  template <typename T>
  [[nodiscard]] double doubt() const {
    const auto dims = static_cast<double>(points_.cols);
    constexpr double unit = std::numeric_limits<T>::epsilon() / 2;
    return 1.0625 * ((dims + 16) * unit + (6 * dims + 40) * 0x1p-53);
  }
  [[nodiscard]] double vanishing() const { return static_cast<double>(points_.cols) * 0x1p-120; }
  [[nodiscard]] std::size_t most_candidates() const { return 2 * count_ + 64; }

  [[nodiscard]] std::vector<std::uint32_t> numbers_from(std::size_t first) const {
    std::vector<std::uint32_t> numbers(std::min(tile_rows, points_.rows - first));
    std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
    return numbers;
  }

  template <typename T>
  [[nodiscard]] Tile<T> load(std::vector<std::uint32_t> numbers) const {
    Tile<T> made;
    const std::size_t dims = points_.cols;
    made.values.resize(numbers.size() * dims);
    made.square.resize(numbers.size());
    made.part.resize(numbers.size());
    points_.read(numbers, [&](View x, std::size_t first) {
      for (std::size_t i = 0; i < x.rows(); ++i) {
        T* to = made.values.data() + (first + i) * dims;
        made.square[first + i] = narrow_centred(x.row(i).data(), mean_.data(), scale_, to, dims);
      }
    });
    std::transform(made.square.begin(), made.square.end(), made.part.begin(),
                   [&](double n) { return static_cast<T>(((1 - doubt<T>()) * n - vanishing()) / 2); });
    made.numbers = std::move(numbers);
    return made;
  }

  template <typename T>
  static void open_lists(Tile<T>& tile) {
    tile.limit.assign(tile.rows(), -std::numeric_limits<T>::infinity());
    tile.near.resize(tile.rows());
    tile.crowded.assign(tile.rows(), false);
  }

  template <typename T>
  void set_limit(Tile<T>& tile, std::size_t i, double smallest_high) const {
    tile.limit[i] = static_cast<T>(((1 - doubt<T>()) * tile.square[i] - smallest_high) / 2);
  }

  /// The count-th smallest high of a row among the columns of a tile, where there are as many.
  template <typename T>
  void set_first_limit(Tile<T>& mine, std::size_t i, const Tile<T>& theirs, const T* s) {
    if (theirs.rows() < count_) {
      return;
    }
    highs_.resize(theirs.rows());
    for (std::size_t j = 0; j < highs_.size(); ++j) {
      highs_[j] = (1 + doubt<T>()) * (mine.square[i] + theirs.square[j]) - 2 * static_cast<double>(s[j]) + vanishing();
    }
    const auto last = highs_.begin() + static_cast<std::ptrdiff_t>(count_) - 1;
    std::nth_element(highs_.begin(), last, highs_.end());
    set_limit(mine, i, *last);
  }

  /// Leaves the candidates that may be among the nearest.
  template <typename T>
  void tighten(Tile<T>& tile, std::size_t i) const {
    std::vector<Candidate>& list = tile.near[i];
    const auto last = list.begin() + static_cast<std::ptrdiff_t>(count_) - 1;
    std::nth_element(list.begin(), last, list.end(), [](const auto& a, const auto& b) { return a.high < b.high; });
    const double smallest_high = last->high;
    list.erase(
        std::remove_if(list.begin(), list.end(), [smallest_high](const auto& c) { return c.low > smallest_high; }),
        list.end());
    set_limit(tile, i, smallest_high);
  }

  template <typename T>
  void add(Tile<T>& tile, std::size_t i, const Tile<T>& other, std::size_t j, T product) const {
    if (tile.crowded[i]) {
      return;
    }
    const double both = tile.square[i] + other.square[j];
    const double distance = both - 2 * static_cast<double>(product);
    const double off = doubt<T>() * both + vanishing();
    tile.near[i].push_back({distance - off, distance + off, other.numbers[j]});
    if (tile.near[i].size() < most_candidates()) {
      return;
    }
    tighten(tile, i);
    if (tile.near[i].size() > most_candidates() - 16) {
      tile.crowded[i] = true;
      tile.limit[i] = std::numeric_limits<T>::infinity();
      std::vector<Candidate>().swap(tile.near[i]);
    }
  }

  /// Every row of `mine` against every row of `theirs`, and the other way round where `both`.
  template <typename T>
  void compare(Tile<T>& mine, Tile<T>& theirs, bool both, PageVector<T>& products) {
    if (points_.checkpoint) {
      points_.checkpoint();
    }
    constexpr std::size_t stride = tile_rows + 16;  // rows a power of 2 apart collide in a cache
    products.resize(tile_rows * stride);
    const std::size_t dims = points_.cols;
    blas::gemm(blas::Op::none, blas::Op::transpose, mine.rows(), theirs.rows(), dims, T{1}, mine.values.data(), dims,
               theirs.values.data(), dims, T{0}, products.data(), stride);
    hits_.resize(theirs.rows());
    for (std::size_t i = 0; i < mine.rows(); ++i) {
      const T* s = products.data() + i * stride;
      if (mine.limit[i] == -std::numeric_limits<T>::infinity()) {
        set_first_limit(mine, i, theirs, s);
      }
      const std::size_t found = find_hits(s, theirs.part.data(), both ? theirs.limit.data() : nullptr, mine.part[i],
                                          mine.limit[i], theirs.rows(), hits_.data());
      for (std::size_t h = 0; h < found; ++h) {
        const std::size_t j = hits_[h];
        if (s[j] >= theirs.part[j] + mine.limit[i]) {
          add(mine, i, theirs, j, s[j]);
        }
        if (both && s[j] >= mine.part[i] + theirs.limit[j]) {
          add(theirs, j, mine, i, s[j]);
        }
      }
    }
  }

  /// All rows against all; each pair of tiles is multiplied once where lists for all rows fit. False, with nothing
  /// emitted, where most rows of a tile are alike to T.
  template <typename T>
  bool screen(const Use& use) {
    constexpr std::size_t most_lists = std::size_t{256} << 20U;
    const bool both = points_.rows * most_candidates() * sizeof(Candidate) <= most_lists;
    std::vector<Tile<T>> tiles;
    PageVector<T> products;
    std::size_t crowded = 0;
    for (std::size_t first = 0; first < points_.rows; first += tile_rows) {
      tiles.push_back(load<T>(numbers_from(first)));
      if (both || first == 0) {
        open_lists(tiles.back());
        compare(tiles.back(), tiles.back(), false, products);
        crowded += static_cast<std::size_t>(std::count(tiles.back().crowded.begin(), tiles.back().crowded.end(), true));
      }
    }
    if (crowded > (both ? points_.rows : tiles.front().rows()) / 2) {
      return false;
    }
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      if (!both && t > 0) {
        open_lists(tiles[t]);
        compare(tiles[t], tiles[t], false, products);
      }
      for (std::size_t other = both ? t + 1 : 0; other < tiles.size(); ++other) {
        if (other != t) {
          compare(tiles[t], tiles[other], both, products);
        }
      }
      if (!both) {
        finish<T>({&tiles[t], 1}, use);
      }
    }
    if (both) {
      finish<T>(tiles, use);
    }
    return true;
  }

  /// Some rows against all.
  template <typename T>
  [[nodiscard]] Lists screen_some(std::span<const std::uint32_t> rows) {
    Tile<T> mine = load<T>({rows.begin(), rows.end()});
    open_lists(mine);
    PageVector<T> products;
    for (std::size_t first = 0; first < points_.rows; first += tile_rows) {
      Tile<T> theirs = load<T>(numbers_from(first));
      compare(mine, theirs, false, products);
    }
    return settle(mine, look_closer(std::span<const Tile<T>>(&mine, 1)));
  }

  // ---- what screens leave open ----

  /// The nearest of the rows that a screen found too crowded, in their order.
  template <typename T>
  [[nodiscard]] Lists look_closer(std::span<const Tile<T>> tiles) {
    std::vector<std::uint32_t> rows;
    for (const Tile<T>& tile : tiles) {
      for (std::size_t i = 0; i < tile.rows(); ++i) {
        if (tile.crowded[i]) {
          rows.push_back(tile.numbers[i]);
        }
      }
    }
    Lists found;
    for (std::size_t first = 0; first < rows.size(); first += tile_rows) {
      const auto some = std::span(rows).subspan(first, std::min(tile_rows, rows.size() - first));
      Lists lists;
      if constexpr (std::is_same_v<T, float>) {
        lists = screen_some<double>(some);
      } else {
        lists = search_fully(some);
      }
      std::move(lists.begin(), lists.end(), std::back_inserter(found));
    }
    return found;
  }

  template <typename T>
  void finish(std::span<Tile<T>> tiles, const Use& use) {
    Lists closer = look_closer(std::span<const Tile<T>>(tiles));
    auto next = closer.begin();
    for (Tile<T>& tile : tiles) {
      const auto end = next + std::count(tile.crowded.begin(), tile.crowded.end(), true);
      emit(tile.numbers.front(), settle(tile, {std::make_move_iterator(next), std::make_move_iterator(end)}), use);
      next = end;
    }
  }

  /// The nearest rows of every row of a tile; `closer`: those of the crowded ones.
  template <typename T>
  [[nodiscard]] Lists settle(Tile<T>& tile, Lists closer) {
    struct Pair {
      std::uint32_t row;
      std::uint32_t mine;
    };
    std::vector<Pair> pairs;
    Lists found(tile.rows());
    auto next = closer.begin();
    for (std::size_t i = 0; i < tile.rows(); ++i) {
      if (tile.crowded[i]) {
        found[i] = std::move(*next++);
        continue;
      }
      tighten(tile, i);
      for (const Candidate& one : tile.near[i]) {
        pairs.push_back({one.row, static_cast<std::uint32_t>(i)});
      }
      std::vector<Candidate>().swap(tile.near[i]);
    }
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.row < b.row; });
    std::vector<std::uint32_t> rows;
    for (const Pair& pair : pairs) {
      if (rows.empty() || rows.back() != pair.row) {
        rows.push_back(pair.row);
      }
    }
    const PageVector<double> mine = rows_of(tile.numbers);
    auto pair = pairs.begin();
    if (!rows.empty()) {
      points_.read(rows, [&](View y, std::size_t first) {
        for (std::size_t k = 0; k < y.rows(); ++k) {
          for (; pair != pairs.end() && pair->row == rows[first + k]; ++pair) {
            const ConstView x(mine.data() + pair->mine * points_.cols, 1, points_.cols, points_.cols);
            double distance = 0;
            squared_distances(x, y.row(k), {&distance, 1, 1, 1});
            found[pair->mine].push_back({distance, pair->row});
          }
        }
      });
    }
    for (std::vector<Near>& list : found) {
      std::sort(list.begin(), list.end(), nearer);
      list.resize(std::min(list.size(), count_));
    }
    return found;
  }

  /// Every distance by differences.
  [[nodiscard]] Lists search_fully(std::span<const std::uint32_t> rows) {
    const PageVector<double> mine = rows_of(rows);
    const ConstView x(mine.data(), rows.size(), points_.cols, points_.cols);
    Lists found(rows.size());
    PageVector<double> distances;
    points_.read({}, [&](View y, std::size_t first) {
      distances.resize(rows.size() * y.rows());
      const View out(distances.data(), rows.size(), y.rows(), y.rows());
      squared_distances(x, y, out);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t k = 0; k < y.rows(); ++k) {
          insert(found[i], {out.row(i).data()[k], static_cast<std::uint32_t>(first + k)});
        }
      }
    });
    return found;
  }

  void insert(std::vector<Near>& list, const Near& one) const {
    if (list.size() == count_ && !nearer(one, list.back())) {
      return;
    }
    list.insert(std::upper_bound(list.begin(), list.end(), one, nearer), one);
    list.resize(std::min(list.size(), count_));
  }

  /// Rows as they are, [rows, D].
  [[nodiscard]] PageVector<double> rows_of(std::span<const std::uint32_t> rows) const {
    PageVector<double> made(rows.size() * points_.cols);
    points_.read(rows, [&](View x, std::size_t first) {
      for (std::size_t i = 0; i < x.rows(); ++i) {
        std::copy_n(x.row(i).data(), x.cols(), made.data() + (first + i) * points_.cols);
      }
    });
    return made;
  }

  void emit(std::size_t first, const Lists& lists, const Use& use) const {
    Neighbourhoods found;
    for (const std::vector<Near>& list : lists) {
      for (const Near& one : list) {
        found.distances.push_back(one.distance);
        found.rows.push_back(static_cast<std::int32_t>(one.row));
      }
    }
    use(first, found);
  }

  const RowSource& points_;
  std::size_t count_;
  std::vector<double> mean_;
  double scale_ = 1;
  bool bounded_ = false;
  std::vector<double> highs_;
  std::vector<std::uint32_t> hits_;
};

}  // namespace

void nearest_rows(const RowSource& points, std::size_t count,
                  const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) {
  Search(points, count).run(use);
}

}  // namespace itm::cpu
