#pragma once
// A view (itm/device.hpp) as a kernel sees it.

#include "itm/device.hpp"
#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

/// A matrix as a kernel sees it.
template <typename T>
struct Grid {
  T* data;
  std::uint32_t rows;
  std::uint32_t cols;
  std::uint64_t stride;

  [[nodiscard]] __device__ T& operator()(std::uint64_t i, std::uint64_t j) const { return data[i * stride + j]; }
  /// Element e of a matrix of one row.
  [[nodiscard]] __device__ T& operator[](std::uint64_t e) const { return data[e]; }
};

template <typename T>
[[nodiscard]] Grid<T> grid(BasicView<T> x) {
  return {x.data(), static_cast<std::uint32_t>(x.rows()), static_cast<std::uint32_t>(x.cols()), x.stride()};
}

}  // namespace itm::ITM_KERNELS
