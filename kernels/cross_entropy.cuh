#pragma once
// Soft-max cross-entropy of the logits, a warp per row, (B, C); for lanes that row_chain.cuh does not serve:
//   cross_entropy  training: row losses, and the logits become d loss / d logits = (softmax - onehot) / count
//   count_hits     validation: row losses and whether the largest logit is the label's
//   pick_targets   the largest logit of h(Theta) becomes the target (--validation-targets predicted), in all lanes
// Reference: math::softmax_cross_entropy_row (itm_math.hpp); the first of equal logits is the largest, as there.

#include <cmath>

#include "kernels/lane.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

/// A lower bound of every logit.
template <typename T>
__device__ constexpr T lowest() {
  return std::is_same_v<T, float> ? static_cast<T>(-3.4028234663852886e38) : static_cast<T>(-1.7976931348623157e308);
}

/// The largest logit of a row; every thread of the warp gets it.
template <typename T>
__device__ inline Peak<T> largest_logit(const Lane<T>& lane, const T* row) {
  Peak<T> peak{lowest<T>(), 0xFFFFFFFFU};
  for (std::uint32_t c = threadIdx.x; c < lane.classes; c += warp_size) {
    const T logit = row[c];
    if (logit > peak.value || peak.index == 0xFFFFFFFFU) {
      peak = {logit, c};
    }
  }
  return warp_peak(peak);
}

/// Sum of e^(logit - largest); every thread of the warp gets it.
template <typename T>
__device__ inline T sum_of_exponentials(const Lane<T>& lane, const T* row, T largest) {
  T sum = 0;
  for (std::uint32_t c = threadIdx.x; c < lane.classes; c += warp_size) {
    sum += std::exp(row[c] - largest);
  }
  return warp_sum(sum);
}

template <typename T>
__global__ void cross_entropy(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (lane.chained || i >= lane.batch) {
    return;
  }
  const Window window = window_of(lane, cursor);
  T* row = lane.logits + static_cast<std::size_t>(i) * lane.width;
  if (i >= window.count) {
    for (std::uint32_t c = threadIdx.x; c < lane.width; c += warp_size) {
      row[c] = 0;
    }
    if (threadIdx.x == 0) {
      lane.row_loss[i] = 0;
    }
    return;
  }
  const std::uint32_t y = lane.targets[i];
  const T largest = largest_logit(lane, row).value;
  const T chosen = row[y] - largest;
  const T sum = sum_of_exponentials(lane, row, largest);
  __syncwarp();  // `chosen` is read before row[y] is overwritten
  const T weight = T{1} / static_cast<T>(window.count);
  for (std::uint32_t c = threadIdx.x; c < lane.width; c += warp_size) {
    const T soft = c < lane.classes ? std::exp(row[c] - largest) * (weight / sum) : T{0};
    row[c] = soft - (c == y ? weight : T{0});
  }
  if (threadIdx.x == 0) {
    lane.row_loss[i] = std::log(sum) - chosen;
  }
}

template <typename T>
__global__ void count_hits(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  const Window window = window_of(lane, cursor);
  if (lane.chained || i >= window.count) {
    return;
  }
  const T* row = lane.logits + static_cast<std::size_t>(i) * lane.width;
  const Peak<T> peak = largest_logit(lane, row);
  const T sum = sum_of_exponentials(lane, row, peak.value);
  if (threadIdx.x == 0) {
    const auto y = static_cast<std::uint32_t>(lane.labels[lane.rows[window.first + i]]);  // targets may be predictions
    lane.row_loss[i] = std::log(sum) - (row[y] - peak.value);
    lane.row_hits[i] = peak.index == y ? 1 : 0;
  }
}

template <typename T>
__global__ void pick_targets(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (i >= window_of(lane, cursor).count) {
    return;
  }
  const Peak<T> peak = largest_logit(lane, lane.logits + static_cast<std::size_t>(i) * lane.width);
  if (threadIdx.x == 0) {
    lane.targets[i] = peak.index;
  }
}

}  // namespace itm::ITM_KERNELS
