#pragma once
// A lane is one batch of one model: the unit that a kernel launch advances, one grid row (blockIdx.y) each. In training
// a lane is a model; in validation a model has several, one per chunk of its validation rows.
//
// Shapes (row-major): B = batch rows, D = dims in rows of `pitch` entries, C = classes in rows of `width` entries; D +
// 1 fit into `pitch`, C + 1 into `width`. Entry D of a row of X and entry C of a row of E are 1, so that the bias of a
// layer is one more column of its weights, in products and in their gradients. What lies behind is zero and stays zero.
// Rows behind the end of a short batch are zero too, so that products run over B rows whatever the count.

#include "kernels/four.cuh"

namespace itm::ITM_KERNELS {

enum class Stored : std::uint8_t { f16, f32, f64 };

template <typename T>
struct Lane {
  // The model.
  const void* feature;                // (N, D) as `stored`, rows of D entries
  const double* shift;                // (D)
  const double* scale;                // (D)
  const std::uint32_t* feature_rows;  // plan row -> row of `feature`; null: identity
  const T* head;                      // (C, C + 1)
  double eta;
  double pull;  // lambda of lambda * MSE(Theta, Y)
  std::uint32_t dims;
  std::uint32_t pitch;
  Stored stored;

  // The data set.
  const T* centres;            // (C, C), null for one-hot ones
  const std::int32_t* labels;  // (N)
  std::uint32_t classes;
  std::uint32_t width;

  // The rows: step s covers rows[offset + s * advance] and on, B of them or what is left of `total`.
  const std::uint32_t* rows;
  std::uint64_t total;
  std::uint64_t offset;
  std::uint64_t advance;
  std::uint32_t batch;  // B

  // Workspace.
  T* x;                     // (B, D)
  T* theta;                 // (B, C)
  T* scaled;                // (B, C) -(eta / count) Theta
  T* residual;              // (B, C) R
  T* evolved;               // (B, C) Theta = R_0 + Y, at the end E_n = R_n + Y
  T* logits;                // (B, C), then their gradient
  T* d_theta;               // (B, C) dE_n, then dTheta, then dZ
  T* work;                  // (B, C), gram form only
  T* inner;                 // (C, C) Theta^T R, factored form only
  T* inverse_norm;          // (B)
  T* row_loss;              // (B)
  std::uint32_t* targets;   // (B) class whose centre a row is pulled to
  std::uint32_t* row_hits;  // (B) 1 where the prediction is right; validation only
  bool chained;             // what is local to a row is done by row_chain.cuh, and not by one kernel after another

  // Validation: where the sums of chunk `first_chunk + step * chunk_advance` go.
  double* chunk_loss;
  std::uint32_t* chunk_hits;
  std::uint32_t first_chunk;
  std::uint32_t chunk_advance;
  std::uint32_t chunks;
};

/// Which step a launch works on: *base + local. Graphs bake `local`; the device advances `base`.
struct Cursor {
  const std::uint32_t* base;  // null: 0
  std::uint32_t local;

  [[nodiscard]] __device__ std::uint32_t step() const { return (base == nullptr ? 0 : *base) + local; }
};

/// How the device counts iterations: the first kernel of one says in `update` which it is, and the last, which reads
/// that, moves `base` on.
struct Counters {
  std::uint32_t* base;    // iterations done
  std::uint32_t* update;  // null in validation
};

/// The rows of a lane at a step.
struct Window {
  std::uint64_t first;
  std::uint32_t count;
};

template <typename T>
__device__ inline Window window_of(const Lane<T>& lane, Cursor cursor) {
  const std::uint64_t first = lane.offset + cursor.step() * lane.advance;
  const std::uint64_t left = first < lane.total ? lane.total - first : 0;
  return {first, left < lane.batch ? static_cast<std::uint32_t>(left) : lane.batch};
}

/// Entries c to c + 3 of the centre of class y.
template <typename T>
__device__ inline Four<T> four_of_centre(const Lane<T>& lane, std::uint32_t y, std::uint32_t c) {
  if (lane.centres != nullptr) {
    return load_four(lane.centres + static_cast<std::size_t>(y) * lane.width + c);
  }
  Four<T> four;
  ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { four.value[j] = static_cast<T>(c + j == y ? 1 : 0); }
  return four;
}

/// Kernels that give a warp to a row, four neighbours a thread: (32, rows_per_block) threads, grid (tiles(B,
/// rows_per_block), lanes).
constexpr unsigned rows_per_block = 8;
constexpr unsigned row_threads = rows_per_block * warp_size;
constexpr unsigned row_stride = 4 * warp_size;
[[nodiscard]] inline dim3 row_block() { return dim3(warp_size, rows_per_block); }
[[nodiscard]] inline dim3 row_grid(std::uint32_t batch, std::size_t lanes) {
  return dim3(tiles(batch, rows_per_block), static_cast<unsigned>(lanes));
}
__device__ inline std::uint32_t row_of_warp() { return blockIdx.x * rows_per_block + threadIdx.y; }
__device__ inline std::uint32_t first_of_row() { return threadIdx.x * 4; }

}  // namespace itm::ITM_KERNELS
