#pragma once
// What the operations of a Device on a GPU take their memory from, and the sums that they have in common. A sum is cut
// into pieces of fixed size, so that it has the same bits on every run.

#include <memory>
#include <vector>

#include "itm/device.hpp"
#include "kernels/each.cuh"

namespace itm::ITM_KERNELS {

[[nodiscard]] inline std::uint32_t rows_of(ConstView x) { return grid(x).rows; }
[[nodiscard]] inline std::uint32_t cols_of(ConstView x) { return grid(x).cols; }
[[nodiscard]] inline Grid<double> grid(const Matrix& x) { return grid(x.view()); }

/// Memory of one order of work, ordered with it. A handle: copies share the order of work, and so does the memory.
class GpuMemory {
 public:
  explicit GpuMemory(std::unique_ptr<DeviceApi> api) : api_(std::move(api)) {}
  [[nodiscard]] DeviceApi& api() const { return *api_; }

  template <typename T>
  [[nodiscard]] std::shared_ptr<T> take(std::size_t count) const {
    auto* memory = static_cast<T*>(api_->take(std::max<std::size_t>(count, 1) * sizeof(T)));
    return {memory, [api = api_](T* mine) { api->give_back(mine); }};
  }
  /// The same numbers on the device.
  template <typename T>
  [[nodiscard]] std::shared_ptr<T> sent(const std::vector<T>& values) const {
    auto memory = take<T>(values.size());
    if (!values.empty()) {
      api_->send(memory.get(), values.data(), values.size() * sizeof(T));
    }
    return memory;
  }
  [[nodiscard]] Matrix matrix(std::size_t rows, std::size_t cols) const {
    return {take<double>(rows * cols), rows, cols};
  }
  [[nodiscard]] Index index(std::size_t count) const { return {take<std::int32_t>(count), 1, count}; }

 private:
  std::shared_ptr<DeviceApi> api_;
};

/// out (a number) += sum of value(e), e < count.
template <typename F>
void reduce_all(const GpuMemory& memory, std::uint64_t count, std::size_t bytes, F value, View out) {
  const Matrix partial = memory.matrix(1, pieces_of(count));
  add_reduced(memory.api(), count, bytes, value, partial.view().data(), out.data());
}

/// out_i = sum of value(i, j), j < cols.
template <typename F>
void reduce_rows(const GpuMemory& memory, std::size_t rows, std::size_t cols, std::size_t bytes, F value, View out) {
  const Grid<double> y = grid(out);
  each_row(memory.api(), rows, bytes, [=] __device__(std::uint32_t i, std::uint32_t lane) {
    double sum = 0;
    for (std::uint32_t j = lane; j < cols; j += warp_size) {
      sum += value(i, j);
    }
    sum = warp_sum(sum);
    if (lane == 0) {
      y[i] = sum;
    }
  });
}

/// Pieces that the rows of a column are cut into.
[[nodiscard]] inline std::uint32_t column_pieces(std::size_t rows) {
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(rows / 256, 1, 512));
}

/// out_j += sum of value(i, j), i < rows.
template <typename F>
void reduce_columns(const GpuMemory& memory, std::size_t rows, std::size_t cols, std::size_t bytes, F value, View out) {
  const std::uint32_t pieces = column_pieces(rows);
  const Matrix partial = memory.matrix(pieces, cols);
  const Grid<double> sums = grid(partial);
  const Grid<double> y = grid(out);
  each(memory.api(), pieces, cols, bytes, [=] __device__(std::uint32_t piece, std::uint32_t j) {
    double sum = 0;
    for (std::uint64_t i = rows * piece / pieces; i < rows * (piece + 1) / pieces; ++i) {
      sum += value(static_cast<std::uint32_t>(i), j);
    }
    sums(piece, j) = sum;
  });
  each(memory.api(), 1, cols, 8 * partial.size(), [=] __device__(std::uint32_t, std::uint32_t j) {
    double sum = 0;
    for (std::uint32_t piece = 0; piece < pieces; ++piece) {
      sum += sums(piece, j);
    }
    y[j] += sum;
  });
}

/// s(c, j) += sum of value(c, row, j) over those of `rows` that are of class c.
template <typename F>
void reduce_classes(const GpuMemory& memory, ClassRows rows, std::size_t cols, std::size_t bytes, F value, View s) {
  const auto classes = static_cast<std::uint32_t>(rows.all->count());
  // Few classes of few columns are cut into pieces, for enough threads.
  const std::uint64_t threads = std::max<std::uint64_t>(static_cast<std::uint64_t>(classes) * cols, 1);
  const auto pieces =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(131072 / threads, 1, column_pieces(rows.count)));
  const Matrix partial = memory.matrix(static_cast<std::size_t>(pieces) * classes, cols);
  const Grid<double> sums = grid(partial);
  const Grid<double> y = grid(s);
  const std::int32_t* order = rows.all->order().data();
  const std::int32_t* begin = rows.all->begin().data();
  const auto first = static_cast<std::int32_t>(rows.first);
  const auto last = static_cast<std::int32_t>(rows.first + rows.count);
  each(memory.api(), partial.rows(), cols, bytes, [=] __device__(std::uint32_t at, std::uint32_t j) {
    const std::uint32_t c = at % classes;
    const std::uint32_t piece = at / classes;
    // Rows ascend within a class: those of the range are a run of them.
    const auto entry_of = [&](std::int32_t row) {
      std::int32_t low = begin[c];
      std::int32_t high = begin[c + 1];
      while (low < high) {
        const std::int32_t middle = low + (high - low) / 2;
        if (order[middle] < row) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return static_cast<std::uint64_t>(low);
    };
    const std::uint64_t from = entry_of(first);
    const std::uint64_t count = entry_of(last) - from;
    double sum = 0;
    for (std::uint64_t e = from + count * piece / pieces; e < from + count * (piece + 1) / pieces; ++e) {
      sum += value(c, static_cast<std::uint32_t>(order[e]), j);
    }
    sums(at, j) = sum;
  });
  each(memory.api(), classes, cols, 8 * partial.size(), [=] __device__(std::uint32_t c, std::uint32_t j) {
    double sum = 0;
    for (std::uint32_t piece = 0; piece < pieces; ++piece) {
      sum += sums(static_cast<std::uint64_t>(piece) * classes + c, j);
    }
    y(c, j) += sum;
  });
}

}  // namespace itm::ITM_KERNELS
