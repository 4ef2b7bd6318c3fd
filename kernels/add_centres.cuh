#pragma once
// E = R + Y before the last of several steps, which then makes E_n of it. (B, C). Grid and block as in lane.cuh.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void add_centres(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= window_of(lane, cursor).count) {
    return;
  }
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  const std::uint32_t y = lane.targets[i];
  for (std::uint32_t c = threadIdx.x; c < lane.width; c += warp_size) {
    lane.evolved[start + c] = c == lane.classes ? T{1} : lane.residual[start + c] + centre(lane, y, c);
  }
}

}  // namespace itm::ITM_KERNELS
