#pragma once
// AdamW (Loshchilov & Hutter 2017, in the order of torch.optim.AdamW) over the parameters of all models at once: one
// flat arena, one launch, 28 bytes of traffic per float parameter; bound by memory. The schedule is a table on the
// device, one entry per iteration. Grid tiles(count, 256). Reference: math::adamw (itm_math.hpp).

#include <cmath>

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

/// What one update needs to know of its iteration.
template <typename T>
struct AdamWRate {
  T keep;             ///< 1 - lr * weight_decay
  T step;             ///< lr / (1 - beta1^t)
  T root_correction;  ///< 1 / sqrt(1 - beta2^t)
};

constexpr unsigned adamw_threads = 256;

template <typename T>
__global__ void adamw(T* parameter, const T* gradient, T* moment1, T* moment2, std::size_t count,
                      const AdamWRate<T>* rates, Cursor cursor) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * adamw_threads + threadIdx.x;
  if (i >= count) {
    return;
  }
  const AdamWRate<T> rate = rates[cursor.step()];
  const T g = gradient[i];
  const T m = moment1[i] + (T{1} - T(0.9)) * (g - moment1[i]);
  const T v = T(0.999) * moment2[i] + (T{1} - T(0.999)) * g * g;
  moment1[i] = m;
  moment2[i] = v;
  parameter[i] = parameter[i] * rate.keep - rate.step * m / (std::sqrt(v) * rate.root_correction + T(1e-8));
}

}  // namespace itm::ITM_KERNELS
