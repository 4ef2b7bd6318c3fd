#pragma once
// Reductions over one warp in a fixed order (a butterfly): the same bits on every run. All 32 lanes take part, and all
// of them receive the result. Harris, "Optimizing parallel reduction in CUDA".

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned all_lanes = 0xFFFFFFFFU;

template <typename T>
__device__ inline T warp_sum(T value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(all_lanes, value, distance);
  }
  return value;
}

template <typename T>
__device__ inline T warp_max(T value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(all_lanes, value, distance);
    value = other > value ? other : value;
  }
  return value;
}

template <typename T>
struct Peak {
  T value;
  std::uint32_t index;
};

/// The largest value; of equal ones the first.
template <typename T>
__device__ inline Peak<T> warp_peak(Peak<T> peak) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const T value = __shfl_xor_sync(all_lanes, peak.value, distance);
    const std::uint32_t index = __shfl_xor_sync(all_lanes, peak.index, distance);
    if (value > peak.value || (value == peak.value && index < peak.index)) {
      peak = {value, index};
    }
  }
  return peak;
}

/// Sum over a block of `threads` (a multiple of 32) threads in x; every thread receives it. `scratch` is shared memory
/// of threads / 32 elements that nobody else uses.
template <unsigned threads, typename T>
__device__ inline T block_sum(T value, T* scratch) {
  value = warp_sum(value);
  if (threadIdx.x % warp_size == 0) {
    scratch[threadIdx.x / warp_size] = value;
  }
  __syncthreads();
  T sum = 0;
  for (unsigned w = 0; w < threads / warp_size; ++w) {
    sum += scratch[w];
  }
  __syncthreads();  // scratch may be used again
  return sum;
}

}  // namespace itm::ITM_KERNELS
