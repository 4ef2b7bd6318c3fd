#pragma once
// Random numbers on the device, the same as the host's (core/philox.hpp), a function of (seed, stream, index) alone:
//   initial_parameters  uniform in +-bound into rows of `pitch` entries, one launch for all arrays of all models
//   permutation_keys    64-bit keys; sorting 0..n-1 by them is the permutation of core/plan.cpp

#include "core/philox.hpp"
#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

/// One array of initial parameters: rows x cols draws of a stream.
template <typename T>
struct InitialArray {
  T* to;  // rows of `pitch` entries, zero behind `cols`
  std::uint32_t rows;
  std::uint32_t cols;
  std::uint32_t pitch;
  std::uint64_t seed;
  std::uint64_t stream;
  double bound;  // 1 / sqrt(fan-in)
  bool bias;     // a vector that stands upright: rows draws, one a row
};

constexpr unsigned philox_threads = 256;

/// Grid (blocks, arrays): each block walks its share of an array.
template <typename T>
__global__ void initial_parameters(const InitialArray<T>* arrays) {
  const InitialArray<T>& array = arrays[blockIdx.y];
  const std::uint64_t count = static_cast<std::uint64_t>(array.rows) * array.cols;
  for (std::uint64_t i = static_cast<std::uint64_t>(blockIdx.x) * philox_threads + threadIdx.x; i < count;
       i += static_cast<std::uint64_t>(gridDim.x) * philox_threads) {
    const auto row = static_cast<std::uint32_t>(i / array.cols);
    const auto col = static_cast<std::uint32_t>(i % array.cols);
    const auto entry = array.bias ? philox::entry(0, row) : philox::entry(row, col);
    const double draw = 2.0 * philox::uniform(array.seed, array.stream, entry) - 1.0;
    array.to[static_cast<std::uint64_t>(row) * array.pitch + col] = static_cast<T>(draw * array.bound);
  }
}

/// Grid tiles(count, 256).
ITM_KERNEL void permutation_keys(std::uint64_t seed, std::uint64_t stream, std::uint32_t count, std::uint64_t* keys,
                                 std::uint32_t* order) {
  const std::uint32_t i = blockIdx.x * philox_threads + threadIdx.x;
  if (i < count) {
    keys[i] = philox::draw64(seed, stream, i);
    order[i] = i;
  }
}

}  // namespace itm::ITM_KERNELS
