#pragma once
// What is local to a row, in one launch each way, for lanes in factored form of at most `chain_width` classes:
//   chain_forward   E_n = E - (eta / count) Theta inner;  logits = E_n head^T;  then
//                   training: row losses, dLogits = (softmax - onehot) / count, dE_n = dLogits head
//                   validation: row losses and whether the largest logit is the label's
//   chain_backward  dTheta = dE - (eta / count) Theta inner, then back through the unit length as
//   normalise_backward.cuh
// One kernel after another would be a launch for each of these steps, none of which fills a device.
//
// A block has 16 rows of a lane and all C columns; a warp has two of the rows, four neighbouring columns a thread, so
// that what a row sums or compares stays in a warp. The C x C matrices pass through shared memory `chain_depth` steps
// of k at a time, the next of them on its way meanwhile. Grid (tiles(B, 16), lanes), 256 threads; a sum has the order
// of k. Reference: the kernels and products that it replaces.

#include <cmath>

#include "kernels/cross_entropy.cuh"
#include "kernels/lane.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned chain_rows = 16;
constexpr unsigned chain_threads = 256;
constexpr unsigned chain_width = 128;
constexpr unsigned rows_of_warp = 2;
template <typename T>
constexpr unsigned chain_depth = 128 / sizeof(T);  // 32 floats, 16 doubles

template <typename T>
struct ChainShared {
  alignas(16) T rows[chain_rows * chain_width];
  alignas(16) T matrix[chain_depth<T> * chain_width];
};

/// Where shared memory holds entry j of step k. Multiples of 4 stay such; what comes along k meets all banks.
__device__ inline unsigned chain_at(unsigned k, unsigned j) { return k * chain_width + (j ^ k / 4 % 8 * 4); }

/// A thread's share of `chain_depth` steps of op(M), on its way from memory to shared memory.
template <typename T, bool transposed>
struct ChainStep {
  static constexpr unsigned shares = chain_depth<T> * chain_width / 4 / chain_threads;
  static constexpr unsigned along_k = chain_depth<T> / 4;  // fours of a row of M, where M is transposed
  Four<T> value[shares];

  __device__ void load(const T* __restrict__ matrix, std::uint32_t width, unsigned k0) {
    ITM_UNROLL for (unsigned share = 0; share < shares; ++share) {
      const unsigned at = share * chain_threads + threadIdx.x;
      const unsigned row = transposed ? at / along_k : k0 + at / (chain_width / 4);
      const unsigned col = transposed ? k0 + at % along_k * 4 : at % (chain_width / 4) * 4;
      value[share] =
          row < width && col < width ? load_four(matrix + static_cast<std::size_t>(row) * width + col) : Four<T>{};
    }
  }
  __device__ void store(T* shared) const {
    ITM_UNROLL for (unsigned share = 0; share < shares; ++share) {
      const unsigned at = share * chain_threads + threadIdx.x;
      if (transposed) {
        ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
          shared[chain_at(at % along_k * 4 + i, at / along_k)] = value[share].value[i];
        }
      } else {
        store_four(shared + chain_at(at / (chain_width / 4), at % (chain_width / 4) * 4), value[share]);
      }
    }
  }
};

/// Two rows of a warp times op(M), four columns a thread. All threads of the block take part.
template <typename T>
struct ChainSums {
  Four<T> row[rows_of_warp];
};
template <bool transposed, typename T>
__device__ inline ChainSums<T> chain_product(ChainShared<T>& shared, const T* __restrict__ matrix,
                                             std::uint32_t width) {
  ChainSums<T> sum{};
  const unsigned first = threadIdx.x / warp_size * rows_of_warp;
  const unsigned col = threadIdx.x % warp_size * 4;
  ChainStep<T, transposed> next;
  next.load(matrix, width, 0);
  for (unsigned k0 = 0; k0 < width; k0 += chain_depth<T>) {
    __syncthreads();  // the matrix in shared memory is used up, the rows are there
    next.store(shared.matrix);
    __syncthreads();
    if (k0 + chain_depth<T> < width) {
      next.load(matrix, width, k0 + chain_depth<T>);
    }
    const unsigned steps = width - k0 < chain_depth<T> ? width - k0 : chain_depth<T>;
    for (unsigned k = 0; k < steps; k += 4) {
      Four<T> left[rows_of_warp];
      ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
        left[r] = load_four(shared.rows + (first + r) * chain_width + k0 + k);
      }
      ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
        const Four<T> right = load_four(shared.matrix + chain_at(k + i, col));
        ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
          ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { sum.row[r].value[j] += left[r].value[i] * right.value[j]; }
        }
      }
    }
  }
  return sum;
}

/// A thread's place: columns col to col + 3 of two rows from `first` on.
struct ChainPlace {
  std::uint32_t first;
  std::uint32_t col;
  __device__ ChainPlace()
      : first(blockIdx.x * chain_rows + threadIdx.x / warp_size * rows_of_warp), col(threadIdx.x % warp_size * 4) {}
  /// Where row r of the warp is in shared memory.
  [[nodiscard]] __device__ unsigned shared(unsigned r) const {
    return (threadIdx.x / warp_size * rows_of_warp + r) * chain_width + col;
  }
};

/// What the thread has of row r of its warp; zeros behind the lane's rows and columns.
template <typename T>
__device__ inline Four<T> load_row(const Lane<T>& lane, const T* from, const ChainPlace& at, unsigned r) {
  const std::uint32_t i = at.first + r;
  return i < lane.batch && at.col < lane.width ? load_four(from + static_cast<std::size_t>(i) * lane.width + at.col)
                                               : Four<T>{};
}
template <typename T>
__device__ inline void store_row(const Lane<T>& lane, T* to, const ChainPlace& at, unsigned r, const Four<T>& value) {
  const std::uint32_t i = at.first + r;
  if (i < lane.batch && at.col < lane.width) {
    store_four(to + static_cast<std::size_t>(i) * lane.width + at.col, value);
  }
}

/// before - (eta / count) Theta inner, for the rows of a warp.
template <typename T>
__device__ inline ChainSums<T> chain_recurrence(ChainShared<T>& shared, const Lane<T>& lane, const T* before,
                                                const ChainPlace& at) {
  ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
    store_four(shared.rows + at.shared(r), load_row(lane, lane.scaled, at, r));
  }
  ChainSums<T> after = chain_product<false>(shared, lane.inner, lane.width);
  ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
    const Four<T> had = load_row(lane, before, at, r);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { after.row[r].value[j] += had.value[j]; }
  }
  return after;
}

/// The loss of row i, whose logits become their gradient times `weight`; validation: `hit` as well.
template <typename T, bool training>
__device__ inline T chain_loss(const Lane<T>& lane, std::uint32_t col, std::uint32_t y, T weight, Four<T>& logits,
                               bool& hit) {
  Peak<T> peak{lowest<T>(), 0xFFFFFFFFU};
  T own = 0;
  ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
    const T logit = logits.value[j];
    if (col + j < lane.classes && (logit > peak.value || peak.index == 0xFFFFFFFFU)) {
      peak = {logit, col + j};
    }
    own += col + j == y ? logit : T{0};
  }
  peak = warp_peak(peak);
  own = warp_sum(own);
  T sum = 0;
  ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
    logits.value[j] = col + j < lane.classes ? std::exp(logits.value[j] - peak.value) : T{0};
    sum += logits.value[j];
  }
  sum = warp_sum(sum);
  if (training) {
    const T factor = weight / sum;
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      logits.value[j] = logits.value[j] * factor - (col + j == y ? weight : T{0});
    }
  }
  hit = peak.index == y;
  return std::log(sum) - (own - peak.value);
}

template <typename T, bool training>
__global__ void __launch_bounds__(chain_threads, 2) chain_forward(const Lane<T>* lanes, Cursor cursor) {
  __shared__ ChainShared<T> shared;
  const Lane<T> lane = lanes[blockIdx.y];
  if (!lane.chained || blockIdx.x * chain_rows >= lane.batch) {
    return;
  }
  const Window window = window_of(lane, cursor);
  const ChainPlace at;
  const ChainSums<T> e = chain_recurrence(shared, lane, lane.evolved, at);
  __syncwarp();  // all of the warp have read what its rows held
  ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
    store_row(lane, lane.evolved, at, r, e.row[r]);
    store_four(shared.rows + at.shared(r), e.row[r]);
  }
  ChainSums<T> logits = chain_product<true>(shared, lane.head, lane.width);
  const T weight = T{1} / static_cast<T>(window.count);
  ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
    const std::uint32_t i = at.first + r;
    const bool real = i < window.count;
    std::uint32_t y = 0;
    if (real) {  // in validation targets may be predictions
      y = training ? lane.targets[i] : static_cast<std::uint32_t>(lane.labels[lane.rows[window.first + i]]);
    }
    bool hit = false;
    T loss = chain_loss<T, training>(lane, at.col, y, weight, logits.row[r], hit);
    if (!real) {
      logits.row[r] = {};
      loss = 0;
    }
    if (threadIdx.x % warp_size == 0 && i < lane.batch) {
      lane.row_loss[i] = loss;
      if (!training) {
        lane.row_hits[i] = hit && real ? 1 : 0;
      }
    }
  }
  if (training) {
    __syncwarp();
    ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
      store_row(lane, lane.logits, at, r, logits.row[r]);
      store_four(shared.rows + at.shared(r), logits.row[r]);
    }
    const ChainSums<T> d_evolved = chain_product<false>(shared, lane.head, lane.width);
    ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) { store_row(lane, lane.d_theta, at, r, d_evolved.row[r]); }
  }
}

template <typename T>
__global__ void __launch_bounds__(chain_threads, 2) chain_backward(const Lane<T>* lanes, Cursor cursor) {
  __shared__ ChainShared<T> shared;
  const Lane<T> lane = lanes[blockIdx.y];
  if (!lane.chained || blockIdx.x * chain_rows >= lane.batch) {
    return;
  }
  const Window window = window_of(lane, cursor);
  const ChainPlace at;
  ChainSums<T> g = chain_recurrence(shared, lane, lane.d_theta, at);
  const auto lambda = static_cast<T>(lane.pull / (static_cast<double>(window.count) * lane.classes));
  ITM_UNROLL for (unsigned r = 0; r < rows_of_warp; ++r) {
    const std::uint32_t i = at.first + r;
    const bool real = i < window.count;
    const Four<T> theta = load_row(lane, lane.theta, at, r);
    Four<T> centre{};
    if (lambda > 0 && real && at.col < lane.width) {
      centre = four_of_centre(lane, lane.targets[i], at.col);
    }
    T dot = 0;
    T gap_square = 0;
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      T& value = g.row[r].value[j];
      if (at.col + j >= lane.classes) {
        value = 0;  // the ones of E are constants
      } else if (lambda > 0 && real) {
        const T gap = theta.value[j] - centre.value[j];
        gap_square += gap * gap;
        value += 2 * lambda * gap;
      }
      dot += theta.value[j] * value;
    }
    dot = warp_sum(dot);
    const T inverse = real ? lane.inverse_norm[i] : T{0};
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      g.row[r].value[j] = (g.row[r].value[j] - theta.value[j] * dot) * inverse;
    }
    store_row(lane, lane.d_theta, at, r, g.row[r]);
    if (lambda > 0) {
      gap_square = warp_sum(gap_square);
      if (threadIdx.x % warp_size == 0 && real) {
        lane.row_loss[i] += lambda * static_cast<T>(window.count) * gap_square;  // the mean over rows divides by count
      }
    }
  }
}

/// One of the kernels above over `count` lanes of at most `batch` rows; its products have so many operations.
template <typename T>
void launch_chain(DeviceApi& api, void (*kernel)(const Lane<T>*, Cursor), const Lane<T>* lanes, std::size_t count,
                  std::uint32_t batch, Cursor cursor, double flops) {
  api.count_flops(flops);
  launch(api, kernel, dim3(tiles(batch, chain_rows), static_cast<unsigned>(count)), dim3(chain_threads), lanes, cursor);
}

}  // namespace itm::ITM_KERNELS
