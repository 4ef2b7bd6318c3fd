#pragma once
// work = R (forward) or work = dE (backward) before a step of the gram form in place, R += G work: a product cannot
// read what it writes. (B, C); lanes in factored form have no `work` and are left alone. Grid and block as in lane.cuh.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void __launch_bounds__(row_threads) keep_copy(const Lane<T>* lanes, bool backward) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (lane.work == nullptr || i >= lane.batch) {
    return;
  }
  const T* from = backward ? lane.d_theta : lane.residual;
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    store_four(lane.work + start + c, load_four(from + start + c));
  }
}

}  // namespace itm::ITM_KERNELS
