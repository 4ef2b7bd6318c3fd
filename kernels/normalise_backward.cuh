#pragma once
// Back through Theta = z / |z|: dz = (g - Theta (Theta . g)) / |z|, g = dTheta in d_theta, in place; (B, C), a warp per
// row. With a pull weight lambda the gradient of lambda * MSE(Theta, Y) joins g, and its value the row's loss.
// Reference: math::normalise_row_backward (itm_math.hpp).

#include "kernels/lane.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void normalise_backward(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  const Window window = window_of(lane, cursor);
  if (i >= window.count) {
    return;  // dTheta of those rows is zero
  }
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  const T* theta = lane.theta + start;
  T* g = lane.d_theta + start;
  const std::uint32_t y = lane.targets[i];
  const auto lambda = static_cast<T>(lane.pull / (static_cast<double>(window.count) * lane.classes));
  T dot = 0;
  T gap_square = 0;
  for (std::uint32_t c = threadIdx.x; c < lane.width; c += warp_size) {
    T value = g[c];
    if (lambda > 0) {  // of T: a float kernel has no float64 in its loop
      const T gap = theta[c] - centre(lane, y, c);
      gap_square += gap * gap;
      value += 2 * lambda * gap;
      g[c] = value;  // read again below by this same thread
    }
    dot += theta[c] * value;
  }
  dot = warp_sum(dot);
  const T inverse = lane.inverse_norm[i];
  for (std::uint32_t c = threadIdx.x; c < lane.width; c += warp_size) {
    g[c] = (g[c] - theta[c] * dot) * inverse;
  }
  if (lambda > 0) {
    gap_square = warp_sum(gap_square);
    if (threadIdx.x == 0) {
      lane.row_loss[i] += lambda * static_cast<T>(window.count) * gap_square;  // the mean over rows divides by count
    }
  }
}

}  // namespace itm::ITM_KERNELS
