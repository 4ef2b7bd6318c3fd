#pragma once
// Theta and what the recurrence starts from, in one pass over the projected rows z (in `theta`):
//   Theta = z / max(|z|, 1e-12);  scaled = -(eta / count) Theta;  R = Theta - Y;  E = Theta = R + Y, and its ones
// and, for targets that are known only after Theta, the last of them on its own (subtract_centres).
//
// (B, C) in, four times (B, C) out; a warp per row, the sum of squares by shuffles. Folding -eta / count into a copy
// of Theta lets one batched product serve models with different eta. Reference: math::normalise_row (itm_math.hpp).

#include <cmath>

#include "kernels/lane.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
__global__ void __launch_bounds__(row_threads, 5) normalise_rows(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= lane.batch) {
    return;
  }
  const Window window = window_of(lane, cursor);
  const bool real = i < window.count;
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  T square = 0;
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    const Four<T> z = load_four(lane.theta + start + c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { square += z.value[j] * z.value[j]; }
  }
  square = warp_sum(square);
  const T norm = std::sqrt(square);
  const T inverse = T{1} / (norm > T(1e-12) ? norm : T(1e-12));
  const T strength = real ? static_cast<T>(lane.eta / static_cast<double>(window.count)) : T{0};
  const std::uint32_t y = lane.targets[i];
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    Four<T> theta = load_four(lane.theta + start + c);
    const Four<T> centre = four_of_centre(lane, y, c);
    Four<T> scaled;
    Four<T> residual;
    Four<T> evolved;
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      T& value = theta.value[j];
      value = real ? value * inverse : T{0};
      scaled.value[j] = -strength * value;
      residual.value[j] = real ? value - centre.value[j] : T{0};
      evolved.value[j] = real && c + j == lane.classes ? T{1} : value;
    }
    store_four(lane.theta + start + c, theta);
    store_four(lane.scaled + start + c, scaled);
    store_four(lane.residual + start + c, residual);
    store_four(lane.evolved + start + c, evolved);
  }
  if (threadIdx.x == 0) {
    lane.inverse_norm[i] = real ? inverse : T{0};
  }
}

/// R = Theta - Y.
template <typename T>
__global__ void __launch_bounds__(row_threads) subtract_centres(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= window_of(lane, cursor).count) {
    return;  // those rows are zero
  }
  const std::size_t start = static_cast<std::size_t>(i) * lane.width;
  const std::uint32_t y = lane.targets[i];
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    Four<T> residual = load_four(lane.theta + start + c);
    const Four<T> centre = four_of_centre(lane, y, c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { residual.value[j] -= centre.value[j]; }
    store_four(lane.residual + start + c, residual);
  }
}

}  // namespace itm::ITM_KERNELS
