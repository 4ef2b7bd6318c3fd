#pragma once
// Reductions over one warp in a fixed order (a butterfly): the same bits on every run. All 32 lanes take part, and all
// of them receive the result. Harris, "Optimizing parallel reduction in CUDA".

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned all_lanes = 0xFFFFFFFFU;

template <typename T>
struct Peak {
  T value;
  std::uint32_t index;
};

/// What the lane brought whose number differs in the bit `distance`.
template <typename T>
__device__ inline T from_partner(T value, int distance) {
  return __shfl_xor_sync(all_lanes, value, distance);
}
template <typename T>
__device__ inline Peak<T> from_partner(Peak<T> peak, int distance) {
  return {from_partner(peak.value, distance), from_partner(peak.index, distance)};
}

template <typename T, typename Join>
__device__ inline T butterfly_by_shuffles(T value, Join join) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value = join(value, from_partner(value, distance));
  }
  return value;
}

/// The values of all lanes, joined.
template <typename T, typename Join>
__device__ inline T butterfly(T value, Join join) {
#ifdef __CUDACC__
  return butterfly_by_shuffles(value, join);
#else
  return butterfly_at_once(value, join);  // the same bits for a fifth of the switches between threads
#endif
}

template <typename T>
__device__ inline T warp_sum(T value) {
  return butterfly(value, [](T own, T other) { return own + other; });
}

template <typename T>
__device__ inline T warp_max(T value) {
  return butterfly(value, [](T own, T other) { return other > own ? other : own; });
}

/// The largest value; of equal ones the first.
template <typename T>
__device__ inline Peak<T> warp_peak(Peak<T> peak) {
  return butterfly(peak, [](Peak<T> own, Peak<T> other) {
    return other.value > own.value || (other.value == own.value && other.index < own.index) ? other : own;
  });
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
