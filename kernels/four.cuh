#pragma once
// What a thread reads or writes at once.

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

/// Four neighbours in memory that begin on a multiple of 16 bytes, or of their own size where that is less.
template <typename T>
struct alignas(sizeof(T) < 4 ? 4 * sizeof(T) : 16) Four {
  T value[4];
};
template <typename T>
__device__ inline Four<T> load_four(const T* from) {
  return *reinterpret_cast<const Four<T>*>(from);
}
template <typename T>
__device__ inline void store_four(T* to, const Four<T>& from) {
  *reinterpret_cast<Four<T>*>(to) = from;
}

}  // namespace itm::ITM_KERNELS
