#pragma once
// X = (E[rows] - shift) * scale and a column of ones: gathers a batch out of the resident features and standardises on
// the way, so that no standardised copy of E exists. Also looks up the targets, and begins an iteration (Counters).
//
// Reads (count, D) scattered rows of E and D statistics per tile, writes (B, D); bound by memory. A thread keeps one
// column's statistics for `gather_tile` rows. Grid (tiles(B, gather_tile), lanes), 256 threads. Arithmetic in double,
// as the reference (core/measure_features.cpp) has it.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned gather_tile = 4;
constexpr unsigned gather_threads = 256;

template <typename Element>
__device__ inline double element(const void* feature, std::size_t at) {
  if constexpr (std::is_same_v<Element, std::uint16_t>) {
    return static_cast<double>(half_to_float(static_cast<const std::uint16_t*>(feature)[at]));
  } else {
    return static_cast<double>(static_cast<const Element*>(feature)[at]);
  }
}

/// Calls body with a value of the type in which features are stored.
template <typename Body>
__device__ inline void as_stored(Stored stored, Body body) {
  switch (stored) {
    case Stored::f16:
      return body(std::uint16_t{});
    case Stored::f32:
      return body(float{});
    case Stored::f64:
      return body(double{});
  }
}

template <typename Element, typename T>
__device__ inline void gather_tile_of(const Lane<T>& lane, Window window, std::uint32_t first) {
  std::uint32_t source[gather_tile];
  ITM_UNROLL for (unsigned r = 0; r < gather_tile; ++r) {
    const std::uint32_t i = first + r;
    source[r] = 0;
    if (i < window.count) {
      const std::uint32_t row = lane.rows[window.first + i];
      source[r] = lane.feature_rows == nullptr ? row : lane.feature_rows[row];
    }
  }
  for (std::uint32_t d = threadIdx.x; d < lane.pitch; d += blockDim.x) {
    const bool inside = d < lane.dims;
    const double shift = inside ? lane.shift[d] : 0;
    const double scale = inside ? lane.scale[d] : 0;
    // All loads, then all stores: a load does not overtake a store that might change it.
    T value[gather_tile];
    ITM_UNROLL for (unsigned r = 0; r < gather_tile; ++r) {
      const std::size_t at = static_cast<std::size_t>(source[r]) * lane.dims + d;
      const bool there = inside && first + r < window.count;
      value[r] = there ? static_cast<T>((element<Element>(lane.feature, at) - shift) * scale) : T{0};
    }
    ITM_UNROLL for (unsigned r = 0; r < gather_tile; ++r) {
      const std::uint32_t i = first + r;
      if (i < lane.batch) {
        lane.x[static_cast<std::size_t>(i) * lane.pitch + d] = d == lane.dims && i < window.count ? T{1} : value[r];
      }
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(gather_threads)
    gather_rows(const Lane<T>* lanes, Cursor cursor, std::uint32_t* update) {
  const Lane<T> lane = lanes[blockIdx.y];
  if (update != nullptr && blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0) {
    *update = cursor.step();
  }
  const Window window = window_of(lane, cursor);
  const std::uint32_t first = blockIdx.x * gather_tile;
  if (first >= lane.batch) {
    return;
  }
  if (threadIdx.x < gather_tile && first + threadIdx.x < lane.batch) {
    const std::uint32_t i = first + threadIdx.x;
    lane.targets[i] = i < window.count ? static_cast<std::uint32_t>(lane.labels[lane.rows[window.first + i]]) : 0;
  }
  as_stored(lane.stored, [&](auto kind) { gather_tile_of<decltype(kind)>(lane, window, first); });
}

template <typename T>
void launch_gather_rows(DeviceApi& api, const Lane<T>* lanes, std::size_t count, std::uint32_t batch, Cursor cursor,
                        std::uint32_t* update) {
  launch(api, gather_rows<T>, dim3(tiles(batch, gather_tile), static_cast<unsigned>(count)), dim3(gather_threads),
         lanes, cursor, update);
}

}  // namespace itm::ITM_KERNELS
