#pragma once
// X = (E[rows] - shift) * scale and a column of ones: gathers a batch out of the resident features and standardises on
// the way, so that no standardised copy of E exists. Also looks up the targets, and begins an iteration (Counters).
//
// Reads (count, D) scattered rows of E and D statistics per tile, writes (B, D); bound by memory. A thread keeps the
// statistics of four neighbouring columns for `gather_tile` rows, and moves the four at once where D is a multiple
// of 4. Grid (tiles(B, gather_tile), lanes), 128 threads. Arithmetic in double, as the reference
// (engine/measure_features.cpp) has it.

#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned gather_tile = 4;
constexpr unsigned gather_threads = 128;

/// A feature as stored; 16 bits are a float16.
template <typename Element>
__device__ inline double as_double(Element stored) {
  if constexpr (std::is_same_v<Element, std::uint16_t>) {
    return static_cast<double>(half_to_float(stored));
  } else {
    return static_cast<double>(stored);
  }
}
template <typename Element>
__device__ inline double element(const void* feature, std::size_t at) {
  return as_double(static_cast<const Element*>(feature)[at]);
}

/// Entries d to d + 3 of a row of `dims`, zeros behind its end. `wide`: dims and d are multiples of 4, and the row
/// begins on four elements.
template <bool wide, typename U>
__device__ inline Four<U> four_of_row(const U* row, std::uint32_t d, std::uint32_t dims) {
  Four<U> four{};
  if constexpr (wide) {
    if (d < dims) {
      four = load_four(row + d);
    }
  } else {
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      if (d + j < dims) {
        four.value[j] = row[d + j];
      }
    }
  }
  return four;
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

template <bool wide, typename Element, typename T>
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
  for (std::uint32_t d = threadIdx.x * 4; d < lane.pitch; d += gather_threads * 4) {
    // All loads, then all stores: a load does not overtake a store that might change it.
    Four<Element> from[gather_tile];
    ITM_UNROLL for (unsigned r = 0; r < gather_tile; ++r) {
      const auto* row = static_cast<const Element*>(lane.feature) + static_cast<std::size_t>(source[r]) * lane.dims;
      from[r] = first + r < window.count ? four_of_row<wide>(row, d, lane.dims) : Four<Element>{};
    }
    const Four<double> shift = four_of_row<wide>(lane.shift, d, lane.dims);
    const Four<double> scale = four_of_row<wide>(lane.scale, d, lane.dims);
    ITM_UNROLL for (unsigned r = 0; r < gather_tile; ++r) {
      const std::uint32_t i = first + r;
      const bool real = i < window.count;
      Four<T> x{};
      ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
        const double standard = (as_double(from[r].value[j]) - shift.value[j]) * scale.value[j];
        x.value[j] = !real ? T{0} : d + j == lane.dims ? T{1} : static_cast<T>(standard);
      }
      if (i < lane.batch) {
        store_four(lane.x + static_cast<std::size_t>(i) * lane.pitch + d, x);
      }
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(gather_threads, 8)
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
  as_stored(lane.stored, [&](auto kind) {
    if (lane.dims % 4 == 0) {
      gather_tile_of<true, decltype(kind)>(lane, window, first);
    } else {
      gather_tile_of<false, decltype(kind)>(lane, window, first);
    }
  });
}

template <typename T>
void launch_gather_rows(DeviceApi& api, const Lane<T>* lanes, std::size_t count, std::uint32_t batch, Cursor cursor,
                        std::uint32_t* update) {
  launch(api, gather_rows<T>, dim3(tiles(batch, gather_tile), static_cast<unsigned>(count)), dim3(gather_threads),
         lanes, cursor, update);
}

}  // namespace itm::ITM_KERNELS
