#pragma once
// The float32 products of one operation for all models of a wave, whatever their shapes, in one launch.
//
// A product of one model is too small for a GPU: theta = X psi_w^float is (256, D) (D, 100), eight tiles of 64 x 64,
// and a library that sees one shape at a time leaves nine tenths of the device idle. Here a block takes one tile of one
// product and `depth` of its k; where k is longer, several blocks share the tile, each leaves its part in memory, and
// the last to arrive adds them up in the order of k. So the bits depend on a product's own shape and on nothing else:
// not on the other models, not on the device, not on which block was last.
//
//   jobs (blocks): on the device, each complete in itself, so that a block waits for memory once before its operands.
//   Grid (blocks), 256 threads: two halves of 128, each of which holds 8 x 4 of the 64 x 64 elements a thread and takes
//   16 of every 32 of k; few blocks are in flight, so a block hides its own latency with both. The next 32 are on their
//   way from memory meanwhile. Shared memory: two buffers for 32 of k of both operands, [k][row] with rows swizzled so
//   that what is stored along k meets all banks.
// Reference: the definition (device_api_test.cu).

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned product_tile = 64;
constexpr unsigned product_step = 32;
constexpr unsigned product_threads = 256;
constexpr unsigned product_pitch = product_tile + 4;
constexpr unsigned product_part = product_tile * product_tile;
constexpr unsigned product_buffer = product_step * product_pitch;

/// What one block does: rows [row, row + 64), columns [col, col + 64) of C from [k, end) of k.
struct alignas(16) ProductJob {
  Gemm<float> gemm;
  float* partial;         ///< where the tile's parts go, in order; null where there is one
  std::uint32_t* ticket;  ///< parts that have arrived; 0 before and after
  int row;
  int col;
  int k;
  int end;
  std::uint32_t part;
  std::uint32_t parts;
  bool whole_a;  ///< rows begin on 16 bytes: they may be read 16 bytes at a time
  bool whole_b;
  bool whole_c;
};

/// What a thread reads or writes at once.
struct alignas(16) Pack {
  float value[4];
};

/// Four elements that begin on 16 bytes. `fresh`: as other blocks of this launch left them.
template <bool fresh = false>
__device__ inline void load_four(const float* at, float (&to)[4]) {
  const auto* from = reinterpret_cast<const Pack*>(at);
  const Pack pack = fresh ? load_fresh(from) : *from;
  ITM_UNROLL for (unsigned i = 0; i < 4; ++i) { to[i] = pack.value[i]; }
}
__device__ inline void store_four(float* at, const float (&from)[4]) {
  Pack pack;
  ITM_UNROLL for (unsigned i = 0; i < 4; ++i) { pack.value[i] = from[i]; }
  *reinterpret_cast<Pack*>(at) = pack;
}

/// Where shared memory holds row `row` at step `k` of a tile. Multiples of 4 stay such.
__device__ inline unsigned product_at(unsigned k, unsigned row) { return k * product_pitch + (row ^ k / 8 * 8); }

/// A thread's share of a tile of an operand: 8 elements that lie side by side in memory, along k where `along_k`, else
/// along the other dimension.
struct OperandShare {
  float low[4];
  float high[4];

  /// `first`, `rows`: the tile in the other dimension and its end; [k, end) in k.
  __device__ void load(const float* from, int ld, bool along_k, bool whole, int first, int rows, int k, int end) {
    const int t = static_cast<int>(threadIdx.x);
    const int row = first + (along_k ? t / 4 : t % 8 * 8);
    const int depth = k + (along_k ? t % 4 * 8 : t / 8);
    const int side = along_k ? depth : row;
    const int side_end = along_k ? end : rows;
    const bool inside = along_k ? row < rows : depth < end;
    const float* at = from + static_cast<std::size_t>(along_k ? row : depth) * static_cast<std::size_t>(ld) + side;
    if (inside && whole && side + 8 <= side_end) {
      load_four(at, low);
      load_four(at + 4, high);
    } else {
      ITM_UNROLL for (int i = 0; i < 4; ++i) {
        low[i] = inside && side + i < side_end ? at[i] : 0.0F;
        high[i] = inside && side + 4 + i < side_end ? at[4 + i] : 0.0F;
      }
    }
  }

  __device__ void store(float* tile, bool along_k) const {
    const unsigned t = threadIdx.x;
    if (along_k) {
      ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
        tile[product_at(t % 4 * 8 + i, t / 4)] = low[i];
        tile[product_at(t % 4 * 8 + 4 + i, t / 4)] = high[i];
      }
    } else {
      store_four(tile + product_at(t / 8, t % 8 * 8), low);
      store_four(tile + product_at(t / 8, t % 8 * 8 + 4), high);
    }
  }
};

ITM_KERNEL void __launch_bounds__(product_threads, 2) grouped_product(const ProductJob* jobs) {
  alignas(16) __shared__ float shared[4 * product_buffer];
  __shared__ bool last;
  const ProductJob job = jobs[blockIdx.x];  // nothing writes jobs
  start_after_work_before();
  const Gemm<float>& g = job.gemm;
  const unsigned half = threadIdx.x / 128;
  const unsigned ty = threadIdx.x % 128 / 16;  // rows ty * 4 and 32 + ty * 4, four each
  const unsigned tx = threadIdx.x % 16;        // columns tx * 4, four
  float sum[8][4] = {};
  OperandShare a;
  OperandShare b;
  int k = job.k;
  a.load(g.a, g.lda, !g.transpose_a, job.whole_a, job.row, g.m, k, job.end);
  b.load(g.b, g.ldb, g.transpose_b, job.whole_b, job.col, g.n, k, job.end);
  a.store(shared, !g.transpose_a);
  b.store(shared + product_buffer, g.transpose_b);
  __syncthreads();
  for (unsigned turn = 0; k < job.end; turn ^= 1U) {
    const float* a_tile = shared + turn * 2 * product_buffer;
    const float* b_tile = a_tile + product_buffer;
    k += static_cast<int>(product_step);
    if (k < job.end) {
      a.load(g.a, g.lda, !g.transpose_a, job.whole_a, job.row, g.m, k, job.end);
      b.load(g.b, g.ldb, g.transpose_b, job.whole_b, job.col, g.n, k, job.end);
    }
    ITM_UNROLL for (unsigned step = 0; step < product_step / 2; ++step) {
      const unsigned at = half * (product_step / 2) + step;
      float upper[4];
      float lower[4];
      float right[4];
      load_four(a_tile + product_at(at, ty * 4), upper);
      load_four(a_tile + product_at(at, product_tile / 2 + ty * 4), lower);
      load_four(b_tile + product_at(at, tx * 4), right);
      ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
        ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
          sum[i][j] += upper[i] * right[j];
          sum[4 + i][j] += lower[i] * right[j];
        }
      }
    }
    if (k < job.end) {
      float* next = shared + (turn ^ 1U) * 2 * product_buffer;
      a.store(next, !g.transpose_a);
      b.store(next + product_buffer, g.transpose_b);
      __syncthreads();
    }
  }

  // The halves meet in shared memory, a tile without gaps, from which all threads take 4 x 4 elements each.
  __syncthreads();
  const auto row_of = [&](unsigned i) { return (i < 4 ? i : product_tile / 2 + i - 4) + ty * 4; };
  if (half == 1) {
    ITM_UNROLL for (unsigned i = 0; i < 8; ++i) { store_four(shared + row_of(i) * product_tile + tx * 4, sum[i]); }
  }
  __syncthreads();
  if (half == 0) {
    ITM_UNROLL for (unsigned i = 0; i < 8; ++i) {
      float* at = shared + row_of(i) * product_tile + tx * 4;
      float other[4];
      load_four(at, other);
      ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { sum[i][j] += other[j]; }
      store_four(at, sum[i]);
    }
  }
  __syncthreads();
  float mine[4][4];
  ITM_UNROLL for (unsigned i = 0; i < 4; ++i) { load_four(shared + (i * product_threads + threadIdx.x) * 4, mine[i]); }
  if (job.parts > 1) {
    float* parts = job.partial + threadIdx.x * 4;
    ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
      store_four(parts + job.part * product_part + i * product_threads * 4, mine[i]);
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      last = atomicAdd(job.ticket, 1U) + 1 == job.parts;
    }
    __syncthreads();
    if (!last) {
      return;
    }
    __threadfence();
    ITM_UNROLL for (unsigned i = 0; i < 4; ++i) { load_four<true>(parts + i * product_threads * 4, mine[i]); }
    for (unsigned part = 1; part < job.parts; ++part) {
      ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
        float more[4];
        load_four<true>(parts + part * product_part + i * product_threads * 4, more);
        ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { mine[i][j] += more[j]; }
      }
    }
    if (threadIdx.x == 0) {
      *job.ticket = 0;
    }
  }
  ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
    const unsigned element = (i * product_threads + threadIdx.x) * 4;
    const int row = job.row + static_cast<int>(element / product_tile);
    const int col = job.col + static_cast<int>(element % product_tile);
    if (row >= g.m || col >= g.n) {
      continue;
    }
    float* c = g.c + static_cast<std::size_t>(row) * static_cast<std::size_t>(g.ldc) + col;
    if (job.whole_c && col + 4 <= g.n) {
      if (g.accumulate) {
        float before[4];
        load_four(c, before);
        ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { mine[i][j] += before[j]; }
      }
      store_four(c, mine[i]);
    } else {
      ITM_UNROLL for (int j = 0; j < 4; ++j) {
        if (col + j < g.n) {
          c[j] = g.accumulate ? c[j] + mine[i][j] : mine[i][j];
        }
      }
    }
  }
}

/// Blocks that divide k of a product, each so much of it: one up to one and a half times `depth`.
[[nodiscard]] inline unsigned parts_of(const Gemm<float>& g, std::size_t depth) {
  const auto k = static_cast<std::size_t>(g.k);
  return 2 * k > 3 * depth ? tiles(k, depth) : 1;
}

/// Blocks of a group.
[[nodiscard]] inline std::size_t blocks_of(const std::vector<Gemm<float>>& group, std::size_t depth) {
  std::size_t blocks = 0;
  for (const Gemm<float>& g : group) {
    blocks += std::size_t{tiles(static_cast<std::uint64_t>(g.m), product_tile)} *
              tiles(static_cast<std::uint64_t>(g.n), product_tile) * parts_of(g, depth);
  }
  return blocks;
}

/// Groups of more blocks than this are faster in cuBLAS (docs/gpu.md).
constexpr std::size_t most_grouped_blocks = 2048;

/// A group that the kernel above runs.
class GroupedProducts final : public GemmGroup {
 public:
  /// `depth`: a multiple of product_step.
  GroupedProducts(DeviceApi& api, const std::vector<Gemm<float>>& group, std::size_t depth) : api_(api) {
    std::size_t parts_of_all = 0;
    std::size_t divided = 0;  // tiles
    const auto each_tile = [&](auto visit) {
      for (const Gemm<float>& g : group) {
        for (int row = 0; row < g.m; row += static_cast<int>(product_tile)) {
          for (int col = 0; col < g.n; col += static_cast<int>(product_tile)) {
            visit(g, row, col, parts_of(g, depth));
          }
        }
      }
    };
    each_tile([&](const Gemm<float>&, int, int, unsigned parts) {
      parts_of_all += parts > 1 ? parts : 0;
      divided += parts > 1 ? 1 : 0;
    });
    partial_ = DeviceBuffer<float>(api, parts_of_all * product_part);
    tickets_ = DeviceBuffer<std::uint32_t>(api, divided);
    tickets_.zero();
    std::vector<ProductJob> jobs;
    float* partial = partial_.data();
    std::uint32_t* ticket = tickets_.data();
    each_tile([&](const Gemm<float>& g, int row, int col, unsigned parts) {
      for (unsigned part = 0; part < parts; ++part) {
        const auto k = static_cast<int>(part * depth);
        const int end = part + 1 == parts ? g.k : k + static_cast<int>(depth);
        jobs.push_back({g, partial, ticket, row, col, k, end, part, parts, whole(g.a, g.lda), whole(g.b, g.ldb),
                        whole(g.c, g.ldc)});
      }
      partial += parts > 1 ? parts * product_part : 0;
      ticket += parts > 1 ? 1 : 0;
    });
    // Long ones first: what is left at the end is short.
    std::stable_sort(jobs.begin(), jobs.end(), [](const ProductJob& one, const ProductJob& other) {
      return one.end - one.k > other.end - other.k;
    });
    jobs_ = DeviceBuffer<ProductJob>(api, jobs);
  }

  using GemmGroup::run;
  void run(bool early) override {
    launch(api_, early, grouped_product, dim3(static_cast<unsigned>(jobs_.size())), dim3(product_threads),
           jobs_.data());
  }

 private:
  static bool whole(const float* from, int ld) {
    return reinterpret_cast<std::uintptr_t>(from) % sizeof(Pack) == 0 && ld % 4 == 0;
  }

  DeviceApi& api_;
  DeviceBuffer<float> partial_;
  DeviceBuffer<std::uint32_t> tickets_;
  DeviceBuffer<ProductJob> jobs_;
};

}  // namespace itm::ITM_KERNELS
