#pragma once
// The nearest rows of every row (Device::nearest_rows), exactly: products find a few candidates more than are asked
// for, differences measure them, and rows whose candidates the rounding of the products could have hidden are searched
// in full. A block of rows against all rows at a time; nothing is read before the end, then twice, and twice more where
// rows had to be searched in full.
//
//   select_smallest   the k smallest of every row of a matrix                    warp per row, k passes
//   measure           |x_i - x_j|^2 of every candidate                           warp per pair
//   order_candidates  by distance, then by row number; whether they are complete warp per row, k^2 comparisons

#include "kernels/gpu_memory.cuh"

namespace itm::ITM_KERNELS {

/// A vector of candidates per row: [rows, k].
struct Candidates {
  std::int32_t* row;
  double* value;
  std::uint32_t count;
};

/// The smallest entries of every row, ascending, the lower column first among equals.
inline void select_smallest(DeviceApi& api, ConstView x, Candidates to) {
  each_row(api, x.rows(), 8 * x.size() * to.count, [=, x = grid(x)] __device__(std::uint32_t i, std::uint32_t lane) {
    // The next one is the smallest of those behind the one before it.
    double last = -HUGE_VAL;
    std::uint32_t last_at = 0xFFFFFFFFU;
    for (std::uint32_t n = 0; n < to.count; ++n) {
      Peak<double> peak{-HUGE_VAL, 0xFFFFFFFFU};  // of -x
      for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
        const double value = x(i, j);
        const bool behind = n == 0 || value > last || (value == last && j > last_at);
        if (behind && (-value > peak.value || peak.index == 0xFFFFFFFFU)) {
          peak = {-value, j};
        }
      }
      peak = warp_peak(peak);
      last = -peak.value;
      last_at = peak.index;
      if (lane == 0) {
        const std::uint64_t at = static_cast<std::uint64_t>(i) * to.count + n;
        to.row[at] = static_cast<std::int32_t>(last_at);
        if (to.value != nullptr) {
          to.value[at] = last;
        }
      }
    }
  });
}

/// Exact squared distances of row first + i of x to its candidates, in place of their values.
inline void measure(DeviceApi& api, ConstView x, std::size_t first, std::size_t rows, Candidates c) {
  each_row(api, rows * c.count, 16 * rows * c.count * x.cols(),
           [=, x = grid(x)] __device__(std::uint32_t pair, std::uint32_t lane) {
             const std::uint64_t a = first + pair / c.count;
             const auto b = static_cast<std::uint64_t>(c.row[pair]);
             double sum = 0;
             for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
               sum += (x(a, j) - x(b, j)) * (x(a, j) - x(b, j));
             }
             sum = warp_sum(sum);
             if (lane == 0) {
               c.value[pair] = sum;
             }
           });
}

/// What a search answers with; see Neighbourhoods.
struct Nearest {
  Grid<double> distances;  // [N, count]
  std::int32_t* rows;      // [N, count]
  double* unsure;          // [N]
};

/// Candidates of the rows first, first + 1, ... in their true order. `farthest`: the products' value of each row's last
/// candidate; `squares`: |x|^2 of all rows. A product of D terms is off by at most (D + few) u |x| |y|, and a row y
/// that is as near as the last of the nearest has |y| <= |x| + |x - y|.
inline void order_candidates(DeviceApi& api, std::size_t first, std::size_t rows, Candidates c, const double* farthest,
                             ConstView squares, double rounding, bool all, Nearest to) {
  each_row(api, rows, 12 * rows * c.count, [=, sq = grid(squares)] __device__(std::uint32_t i, std::uint32_t lane) {
    const double* value = c.value + static_cast<std::uint64_t>(i) * c.count;
    const std::int32_t* row = c.row + static_cast<std::uint64_t>(i) * c.count;
    const std::uint64_t at = first + i;
    const std::uint32_t wanted = to.distances.cols;
    double last = 0;
    for (std::uint32_t n = lane; n < c.count; n += warp_size) {
      std::uint32_t rank = 0;
      for (std::uint32_t m = 0; m < c.count; ++m) {
        rank += value[m] < value[n] || (value[m] == value[n] && row[m] < row[n]) ? 1U : 0U;
      }
      if (rank < wanted) {
        to.distances(at, rank) = value[n];
        to.rows[at * wanted + rank] = row[n];
        last = value[n] > last ? value[n] : last;
      }
    }
    last = warp_max(last);
    if (lane == 0) {
      const double reach = 2 * sqrt(sq[at]) + sqrt(last);
      to.unsure[at] = all || farthest[i] + sq[at] > last + rounding * reach * reach ? 0 : 1;
    }
  });
}

inline Neighbourhoods gpu_nearest_rows(Device& device, const GpuMemory& memory, ConstView x, std::size_t count,
                                       double product_rounding, std::size_t block_bytes) {
  constexpr std::size_t spare = 8;
  DeviceApi& api = memory.api();
  const std::size_t n = x.rows();
  const std::size_t keep = std::min(count + spare, n);
  const Matrix mean = device.matrix(1, x.cols());
  device.add_column_sums(x, mean);
  device.scale(1 / static_cast<double>(n), mean);
  const Matrix centred = device.copy_of(x);
  device.add_to_rows(-1, mean, centred);
  const Matrix squares = memory.matrix(1, n);
  device.row_squares(centred, squares);

  const Matrix distances = memory.matrix(n, count);
  const Index rows = memory.index(n * count);
  const Matrix unsure = memory.matrix(1, n);
  const Nearest to{grid(distances), rows.view().data(), unsure.view().data()};
  const std::size_t step = std::clamp<std::size_t>(block_bytes / (n * sizeof(double)), 1, n);
  const Matrix products = memory.matrix(step, n);
  const Index candidate_rows = memory.index(step * keep);
  const Matrix candidate_values = memory.matrix(step, keep);
  const Matrix farthest = memory.matrix(1, step);
  const Candidates candidates{candidate_rows.view().data(), candidate_values.view().data(),
                              static_cast<std::uint32_t>(keep)};
  const double rounding = (static_cast<double>(x.cols()) + 8) * product_rounding;
  for (std::size_t first = 0; first < n; first += step) {
    const std::size_t some = std::min(step, n - first);
    const View block = products.rows(0, some);
    device.multiply(-2, centred.rows(first, some), Op::none, centred, Op::transpose, 0, block);
    device.add_to_rows(1, squares, block);
    select_smallest(api, block, candidates);
    device.transpose(candidate_values.rows(0, some).columns(keep - 1, 1), farthest.columns(0, some));
    measure(api, x, first, some, candidates);
    order_candidates(api, first, some, candidates, farthest.view().data(), squares, rounding, keep == n, to);
  }

  auto found = device.read({distances, unsure});
  Neighbourhoods all{std::move(found[0]), device.read(ConstIndexView(rows))};
  std::vector<std::int32_t> again;
  for (std::size_t i = 0; i < n; ++i) {
    if (found[1][i] != 0) {
      again.push_back(static_cast<std::int32_t>(i));
    }
  }
  if (again.empty()) {
    return all;
  }
  // Rows with more near neighbours than the products can tell apart: every distance by differences.
  const Matrix some_rows = memory.matrix(again.size(), x.cols());
  device.gather_rows(x, device.index(again), some_rows);
  const Matrix full_values = memory.matrix(again.size(), count);
  const Index full_rows = memory.index(again.size() * count);
  for (std::size_t first = 0; first < again.size(); first += step) {
    const std::size_t some = std::min(step, again.size() - first);
    const View block = products.rows(0, some);
    device.squared_distances(some_rows.rows(first, some), x, block);
    select_smallest(
        api, block,
        {full_rows.view().data() + first * count, full_values.row(first).data(), static_cast<std::uint32_t>(count)});
  }
  const std::vector<double> values = device.read(ConstView(full_values));
  const std::vector<std::int32_t> nearest = device.read(ConstIndexView(full_rows));
  for (std::size_t a = 0; a < again.size(); ++a) {
    const auto at = static_cast<std::ptrdiff_t>(again[a]) * static_cast<std::ptrdiff_t>(count);
    const auto from = static_cast<std::ptrdiff_t>(a * count);
    const auto length = static_cast<std::ptrdiff_t>(count);
    std::copy_n(values.begin() + from, length, all.distances.begin() + at);
    std::copy_n(nearest.begin() + from, length, all.rows.begin() + at);
  }
  return all;
}

}  // namespace itm::ITM_KERNELS
