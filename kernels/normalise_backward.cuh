#pragma once
// Back through Theta = z / |z|: dz = (g - Theta (Theta . g)) / |z|, g = dTheta in d_theta, in place; (B, C), a warp per
// row; for lanes that row_chain.cuh does not serve. With a pull weight lambda the gradient of lambda * MSE(Theta, Y)
// joins g, and its value the row's loss. Reference: math::normalise_row_backward (itm_math.hpp).

#include "kernels/lane.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void __launch_bounds__(row_threads, 5) normalise_backward(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  const Window window = window_of(lane, cursor);
  if (lane.chained || i >= window.count) {
    return;  // dTheta of rows behind the end is zero
  }
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  const T* theta = lane.theta + start;
  T* g = lane.d_theta + start;
  const std::uint32_t y = lane.targets[i];
  const auto lambda = static_cast<T>(lane.pull / (static_cast<double>(window.count) * lane.classes));
  T dot = 0;
  T gap_square = 0;
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    const Four<T> along = load_four(theta + c);
    const Four<T> centre = four_of_centre(lane, y, c);
    Four<T> sum = load_four(g + c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      T& value = sum.value[j];
      value = c + j < lane.classes ? value : T{0};  // the ones of E are constants
      if (lambda > 0) {                             // of T: a float kernel has no float64 in its loop
        const T gap = along.value[j] - centre.value[j];
        gap_square += gap * gap;
        value += 2 * lambda * gap;
      }
      dot += along.value[j] * value;
    }
    store_four(g + c, sum);  // read again below by this same thread
  }
  dot = warp_sum(dot);
  const T inverse = lane.inverse_norm[i];
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    const Four<T> along = load_four(theta + c);
    Four<T> value = load_four(g + c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { value.value[j] = (value.value[j] - along.value[j] * dot) * inverse; }
    store_four(g + c, value);
  }
  if (lambda > 0) {
    gap_square = warp_sum(gap_square);
    if (threadIdx.x == 0) {
      lane.row_loss[i] += lambda * static_cast<T>(window.count) * gap_square;  // the mean over rows divides by count
    }
  }
}

}  // namespace itm::ITM_KERNELS
