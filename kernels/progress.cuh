#pragma once
// The small kernels that turn rows into results. All sums in double and in a fixed order.
//   mean_loss    losses[step, lane] = mean row loss of a training batch; a block per lane
//   sum_chunk    one validation chunk: loss and hits; a block per lane
//   sum_chunks   a checkpoint: (loss, hits) over the chunks of a model, in order; a thread per model

#include "kernels/lane.cuh"
#include "kernels/reduce.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned sum_threads = 128;

template <typename T>
__global__ void mean_loss(const Lane<T>* lanes, Cursor cursor, double* losses) {
  __shared__ double scratch[sum_threads / warp_size];
  const Lane<T> lane = lanes[blockIdx.x];
  const std::uint32_t count = window_of(lane, cursor).count;
  double sum = 0;
  for (std::uint32_t i = threadIdx.x; i < count; i += sum_threads) {
    sum += static_cast<double>(lane.row_loss[i]);
  }
  sum = block_sum<sum_threads>(sum, scratch);
  if (threadIdx.x == 0) {
    losses[static_cast<std::size_t>(cursor.step()) * gridDim.x + blockIdx.x] = sum / static_cast<double>(count);
  }
}

template <typename T>
__global__ void sum_chunk(const Lane<T>* lanes, Cursor cursor) {
  __shared__ double loss_scratch[sum_threads / warp_size];
  __shared__ std::uint32_t hit_scratch[sum_threads / warp_size];
  const Lane<T> lane = lanes[blockIdx.x];
  const std::uint32_t count = window_of(lane, cursor).count;
  const std::uint32_t chunk = lane.first_chunk + cursor.step() * lane.chunk_advance;
  double loss = 0;
  std::uint32_t hits = 0;
  for (std::uint32_t i = threadIdx.x; i < count; i += sum_threads) {
    loss += static_cast<double>(lane.row_loss[i]);
    hits += lane.row_hits[i];
  }
  loss = block_sum<sum_threads>(loss, loss_scratch);
  hits = block_sum<sum_threads>(hits, hit_scratch);
  if (threadIdx.x == 0 && chunk < lane.chunks) {
    lane.chunk_loss[chunk] = loss;
    lane.chunk_hits[chunk] = hits;
  }
}

/// Where the chunk sums of a model lie, and where its checkpoints go.
struct Checkpoints {
  const double* chunk_loss;
  const std::uint32_t* chunk_hits;
  std::uint32_t chunks;
  double* loss;         // one per checkpoint: sum over validation rows
  std::uint32_t* hits;  // one per checkpoint
};

/// The checkpoint after `cursor.step()` iterations goes to slot (step - 1) / every.
ITM_KERNEL void sum_chunks(const Checkpoints* models, std::uint32_t count, Cursor cursor, std::uint32_t every) {
  const std::uint32_t model = blockIdx.x * blockDim.x + threadIdx.x;
  if (model >= count) {
    return;
  }
  const Checkpoints& m = models[model];
  double loss = 0;
  std::uint32_t hits = 0;
  for (std::uint32_t chunk = 0; chunk < m.chunks; ++chunk) {
    loss += m.chunk_loss[chunk];
    hits += m.chunk_hits[chunk];
  }
  const std::uint32_t slot = (cursor.step() - 1) / every;
  m.loss[slot] = loss;
  m.hits[slot] = hits;
}

}  // namespace itm::ITM_KERNELS
