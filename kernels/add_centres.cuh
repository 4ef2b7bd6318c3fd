#pragma once
// E = R + Y before the last of several steps, which then makes E_n of it. (B, C). Grid and block as in lane.cuh.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void __launch_bounds__(row_threads) add_centres(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= window_of(lane, cursor).count) {
    return;
  }
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  const std::uint32_t y = lane.targets[i];
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    Four<T> evolved = load_four(lane.residual + start + c);
    const Four<T> centre = four_of_centre(lane, y, c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      evolved.value[j] = c + j == lane.classes ? T{1} : evolved.value[j] + centre.value[j];
    }
    store_four(lane.evolved + start + c, evolved);
  }
}

}  // namespace itm::ITM_KERNELS
