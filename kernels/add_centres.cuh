#pragma once
// E_n = R + Y. One-hot centres touch one entry a row: one thread each. (B, C) in place otherwise. Grid and block as in
// lane.cuh.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void add_centres(const Lane<T>* lanes, Cursor cursor) {
  start_after_work_before();
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= window_of(lane, cursor).count) {
    return;
  }
  T* row = lane.evolved + static_cast<std::size_t>(i) * lane.width;
  const std::uint32_t y = lane.targets[i];
  if (lane.centres == nullptr) {
    if (threadIdx.x == 0) {
      row[y] += T{1};
    }
    return;
  }
  for (std::uint32_t c = threadIdx.x; c < lane.width; c += warp_size) {
    row[c] += centre(lane, y, c);
  }
}

}  // namespace itm::ITM_KERNELS
