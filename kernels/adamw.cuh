#pragma once
// AdamW (Loshchilov & Hutter 2017, in the order of torch.optim.AdamW) over the parameters of all models at once: one
// flat arena, one launch, 28 bytes of traffic per float parameter; bound by memory. The schedule is a table on the
// device, one entry per iteration. A thread has four neighbours: grid tiles(count / 4, 256). Ends an iteration
// (Counters). Reference: math::adamw (itm_math.hpp).

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
__global__ void __launch_bounds__(adamw_threads)
    adamw(T* __restrict__ parameter, const T* __restrict__ gradient, T* __restrict__ moment1, T* __restrict__ moment2,
          std::size_t count, const AdamWRate<T>* __restrict__ rates, Counters counters) {
  const std::size_t first = (static_cast<std::size_t>(blockIdx.x) * adamw_threads + threadIdx.x) * 4;
  const std::uint32_t step = *counters.update;
  if (first == 0) {
    *counters.base = step + 1;
  }
  if (first >= count) {
    return;
  }
  const AdamWRate<T> rate = rates[step];
  Four<T> p = load_four(parameter + first);
  const Four<T> g = load_four(gradient + first);
  Four<T> m = load_four(moment1 + first);
  Four<T> v = load_four(moment2 + first);
  ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
    m.value[i] += (T{1} - T(0.9)) * (g.value[i] - m.value[i]);
    v.value[i] = T(0.999) * v.value[i] + (T{1} - T(0.999)) * g.value[i] * g.value[i];
    p.value[i] =
        p.value[i] * rate.keep - rate.step * m.value[i] / (std::sqrt(v.value[i]) * rate.root_correction + T(1e-8));
  }
  store_four(moment1 + first, m);
  store_four(moment2 + first, v);
  store_four(parameter + first, p);
}

/// `count` is a multiple of 4, and the arrays begin on 16 bytes.
template <typename T>
void launch_adamw(DeviceApi& api, T* parameter, const T* gradient, T* moment1, T* moment2, std::size_t count,
                  const AdamWRate<T>* rates, Counters counters) {
  launch(api, adamw<T>, dim3(tiles(count / 4, adamw_threads)), dim3(adamw_threads), parameter, gradient, moment1,
         moment2, count, rates, counters);
  api.count_moved(7 * sizeof(T) * count);
}

}  // namespace itm::ITM_KERNELS
