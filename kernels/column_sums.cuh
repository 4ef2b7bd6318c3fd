#pragma once
// The gradients of the two biases: column sums of dLogits (z = 0) and of dZ (z = 1), (B, C) -> (C).
//
// 32 columns and 8 interleaved sets of rows per block, summed in double; the 8 partial sums meet in shared memory in a
// fixed order: deterministic, and exact beyond T. Grid (tiles(C, 32), lanes, 2), (32, 8) threads.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void column_sums(const Lane<T>* lanes) {
  __shared__ double partial[rows_per_block][warp_size];
  const Lane<T> lane = lanes[blockIdx.y];
  const T* from = blockIdx.z == 0 ? lane.logits : lane.d_theta;
  T* to = blockIdx.z == 0 ? lane.gradient_head_b : lane.gradient_psi_b;
  const std::uint32_t c = blockIdx.x * warp_size + threadIdx.x;
  double sum = 0;
  if (c < lane.width) {
    for (std::uint32_t i = threadIdx.y; i < lane.batch; i += rows_per_block) {
      sum += static_cast<double>(from[static_cast<std::size_t>(i) * lane.width + c]);
    }
  }
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && c < lane.width) {
    for (unsigned y = 1; y < rows_per_block; ++y) {
      sum += partial[y][threadIdx.x];
    }
    to[c] = static_cast<T>(sum);
  }
}

template <typename T>
void launch_column_sums(DeviceApi& api, const Lane<T>* lanes, std::size_t count, std::uint32_t width) {
  launch(api, column_sums<T>, dim3(tiles(width, warp_size), static_cast<unsigned>(count), 2), row_block(), lanes);
}

}  // namespace itm::ITM_KERNELS
