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
  for (std::uint32_t c = first_of_row(); c < lane.classes; c += row_stride) {
    const Four<T> logit = load_four(row + c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      if (c + j < lane.classes && (logit.value[j] > peak.value || peak.index == 0xFFFFFFFFU)) {
        peak = {logit.value[j], c + j};
      }
    }
  }
  return warp_peak(peak);
}

/// Sum of e^(logit - largest); every thread of the warp gets it.
template <typename T>
__device__ inline T sum_of_exponentials(const Lane<T>& lane, const T* row, T largest) {
  T sum = 0;
  for (std::uint32_t c = first_of_row(); c < lane.classes; c += row_stride) {
    const Four<T> logit = load_four(row + c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      sum += c + j < lane.classes ? std::exp(logit.value[j] - largest) : T{0};
    }
  }
  return warp_sum(sum);
}

template <typename T>
__global__ void __launch_bounds__(row_threads, 6) cross_entropy(const Lane<T>* lanes, Cursor cursor) {
  const Lane<T> lane = lanes[blockIdx.y];
  const std::uint32_t i = row_of_warp();
  if (lane.chained || i >= lane.batch) {
    return;
  }
  const Window window = window_of(lane, cursor);
  T* row = lane.logits + static_cast<std::size_t>(i) * lane.width;
  if (i >= window.count) {
    for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
      store_four(row + c, Four<T>{});
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
  const T factor = weight / sum;
  for (std::uint32_t c = first_of_row(); c < lane.width; c += row_stride) {
    Four<T> logit = load_four(row + c);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      const T soft = c + j < lane.classes ? std::exp(logit.value[j] - largest) * factor : T{0};
      logit.value[j] = soft - (c + j == y ? weight : T{0});
    }
    store_four(row + c, logit);
  }
  if (threadIdx.x == 0) {
    lane.row_loss[i] = std::log(sum) - chosen;
  }
}

template <typename T>
__global__ void __launch_bounds__(row_threads, 6) count_hits(const Lane<T>* lanes, Cursor cursor) {
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
__global__ void __launch_bounds__(row_threads) pick_targets(const Lane<T>* lanes, Cursor cursor) {
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
