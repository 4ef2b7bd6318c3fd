#pragma once
// The two shapes that the operations of a Device have on a GPU: a thread for every element of a matrix, and a warp for
// every row. An operation is a lambda; the loops over a grid are here. Bound by memory.
//
//   each(rows, cols, f)      f(i, j)       thread per element, neighbouring threads have neighbouring columns
//   each_row(rows, f)        f(i, lane)    warp per row; all 32 lanes are there, so f may use reduce.cuh
//   add_reduced(...)         a sum over many values in a fixed order: the same bits on every run

#include <algorithm>

#include "kernels/grid.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned element_threads = 256;
/// Enough to fill any device; what is left is done by going round.
constexpr unsigned most_blocks = 2048;
constexpr unsigned warps_of_block = 8;

template <typename F>
__global__ void element_kernel(std::uint64_t count, std::uint32_t cols, F f) {
  const std::uint64_t step = static_cast<std::uint64_t>(gridDim.x) * element_threads;
  for (std::uint64_t e = static_cast<std::uint64_t>(blockIdx.x) * element_threads + threadIdx.x; e < count; e += step) {
    if (count <= 0xFFFFFFFFU) {  // a division of half the width is a fifth of the work
      const auto small = static_cast<std::uint32_t>(e);
      f(small / cols, small % cols);
    } else {
      f(static_cast<std::uint32_t>(e / cols), static_cast<std::uint32_t>(e % cols));
    }
  }
}

template <typename F>
__global__ void row_kernel(std::uint32_t rows, F f) {
  const std::uint32_t step = gridDim.x * warps_of_block;
  for (std::uint32_t row = blockIdx.x * warps_of_block + threadIdx.y; row < rows; row += step) {
    f(row, threadIdx.x);
  }
}

/// f(i, j) for i < rows, j < cols. `bytes`: what it reads and writes.
template <typename F>
void each(DeviceApi& api, std::size_t rows, std::size_t cols, std::size_t bytes, F f) {
  const std::uint64_t count = static_cast<std::uint64_t>(rows) * cols;
  const unsigned blocks = std::min(tiles(std::min<std::uint64_t>(count, 0xFFFFFFFFU), element_threads), most_blocks);
  launch(api, element_kernel<F>, dim3(blocks), dim3(element_threads), count, static_cast<std::uint32_t>(cols), f);
  api.count_moved(bytes);
}

/// f(i, lane) for i < rows, lane < 32.
template <typename F>
void each_row(DeviceApi& api, std::size_t rows, std::size_t bytes, F f) {
  const unsigned blocks = std::min(tiles(rows, warps_of_block), most_blocks);
  launch(api, row_kernel<F>, dim3(blocks), dim3(warp_size, warps_of_block), static_cast<std::uint32_t>(rows), f);
  api.count_moved(bytes);
}

/// Pieces that a sum is cut into: one warp each.
[[nodiscard]] inline std::uint32_t pieces_of(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>((count + 1023) / 1024, 1, 1024));
}

/// *out += sum of value(e) over e < count; `partial` has room for pieces_of(count).
template <typename F>
void add_reduced(DeviceApi& api, std::uint64_t count, std::size_t bytes, F value, double* partial, double* out) {
  const std::uint32_t pieces = pieces_of(count);
  each_row(api, pieces, bytes, [=] __device__(std::uint32_t piece, std::uint32_t lane) {
    const std::uint64_t end = count * (piece + 1) / pieces;
    double sum = 0;
    for (std::uint64_t e = count * piece / pieces + lane; e < end; e += warp_size) {
      sum += value(e);
    }
    sum = warp_sum(sum);
    if (lane == 0) {
      partial[piece] = sum;
    }
  });
  each_row(api, 1, pieces * sizeof(double), [=] __device__(std::uint32_t, std::uint32_t lane) {
    double sum = 0;
    for (std::uint32_t piece = lane; piece < pieces; piece += warp_size) {
      sum += partial[piece];
    }
    sum = warp_sum(sum);
    if (lane == 0) {
      *out += sum;
    }
  });
}

}  // namespace itm::ITM_KERNELS
