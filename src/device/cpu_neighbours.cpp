// The mean first, about which products are accurate; then screens (cpu_screen.hpp) in float32, and in float64 of the
// rows that float32 finds too crowded; then every distance that these leave open, and all of those rows that float64
// finds too crowded, by differences.
#include "device/cpu_neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/page_allocator.hpp"
#include "core/simd.hpp"
#include "device/cpu_rows.hpp"
#include "device/cpu_screen.hpp"

namespace itm::cpu {
namespace {

constexpr std::size_t tile_rows = Screen<float>::tile_rows;

ITM_CLONES double largest_size(double most, const double* x, std::size_t count) {
#pragma omp simd reduction(max : most)
  for (std::size_t j = 0; j < count; ++j) {
    const double size = x[j] < 0 ? -x[j] : x[j];
    most = size > most ? size : most;
  }
  return most;
}

struct Near {
  double distance;
  std::uint32_t row;
};

bool nearer(const Near& a, const Near& b) { return a.distance != b.distance ? a.distance < b.distance : a.row < b.row; }

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

  [[nodiscard]] std::vector<std::uint32_t> numbers_from(std::size_t first) const {
    std::vector<std::uint32_t> numbers(std::min(tile_rows, points_.rows - first));
    std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
    return numbers;
  }

  template <typename T>
  [[nodiscard]] Tile<T> load(const Screen<T>& screen, std::vector<std::uint32_t> numbers) const {
    Tile<T> made = screen.tile(std::move(numbers));
    points_.read(made.numbers, [&](View x, std::size_t first) {
      for (std::size_t i = 0; i < x.rows(); ++i) {
        screen.set_row(made, first + i, x.row(i).data(), mean_.data(), scale_);
      }
    });
    return made;
  }

  void check_stop() const {
    if (points_.checkpoint) {
      points_.checkpoint();
    }
  }

  /// All rows against all; each pair of tiles is multiplied once where lists for all rows fit. False, with nothing
  /// emitted, where most rows of a tile are alike to T.
  template <typename T>
  bool screen(const Use& use) {
    constexpr std::size_t most_lists = std::size_t{256} << 20U;
    Screen<T> screen(count_, points_.cols);
    const bool both = points_.rows * screen.most_candidates() * sizeof(Candidate) <= most_lists;
    std::vector<Tile<T>> tiles;
    std::size_t crowded = 0;
    for (std::size_t first = 0; first < points_.rows; first += tile_rows) {
      tiles.push_back(load(screen, numbers_from(first)));
      if (both || first == 0) {
        check_stop();
        screen.open_lists(tiles.back());
        screen.compare(tiles.back(), tiles.back(), false);
        crowded += static_cast<std::size_t>(std::count(tiles.back().crowded.begin(), tiles.back().crowded.end(), true));
      }
    }
    if (crowded > (both ? points_.rows : tiles.front().rows()) / 2) {
      return false;
    }
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      if (!both && t > 0) {
        screen.open_lists(tiles[t]);
        screen.compare(tiles[t], tiles[t], false);
      }
      for (std::size_t other = both ? t + 1 : 0; other < tiles.size(); ++other) {
        check_stop();
        if (other != t) {
          screen.compare(tiles[t], tiles[other], both);
        }
      }
      if (!both) {
        finish<T>(screen, {&tiles[t], 1}, use);
      }
    }
    if (both) {
      finish<T>(screen, tiles, use);
    }
    return true;
  }

  /// Some rows against all.
  template <typename T>
  [[nodiscard]] Lists screen_some(std::span<const std::uint32_t> rows) {
    Screen<T> screen(count_, points_.cols);
    Tile<T> mine = load(screen, {rows.begin(), rows.end()});
    screen.open_lists(mine);
    for (std::size_t first = 0; first < points_.rows; first += tile_rows) {
      check_stop();
      Tile<T> theirs = load(screen, numbers_from(first));
      screen.compare(mine, theirs, false);
    }
    return settle(screen, mine, look_closer(std::span<const Tile<T>>(&mine, 1)));
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
  void finish(const Screen<T>& screen, std::span<Tile<T>> tiles, const Use& use) {
    Lists closer = look_closer(std::span<const Tile<T>>(tiles));
    auto next = closer.begin();
    for (Tile<T>& tile : tiles) {
      const auto end = next + std::count(tile.crowded.begin(), tile.crowded.end(), true);
      emit(tile.numbers.front(), settle(screen, tile, {std::make_move_iterator(next), std::make_move_iterator(end)}),
           use);
      next = end;
    }
  }

  /// The nearest rows of every row of a tile; `closer`: those of the crowded ones.
  template <typename T>
  [[nodiscard]] Lists settle(const Screen<T>& screen, Tile<T>& tile, Lists closer) {
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
      screen.tighten(tile, i);
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
};

}  // namespace

void nearest_rows(const RowSource& points, std::size_t count,
                  const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) {
  Search(points, count).run(use);
}

}  // namespace itm::cpu
