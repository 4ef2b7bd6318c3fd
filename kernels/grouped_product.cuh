#pragma once
// The float32 products of one operation for all models of a wave, whatever their shapes, in one launch.
//
// A product of one model is too small for a GPU: theta = X psi_w^T is (256, D) (D, 100), and a library that sees one
// shape at a time leaves nine tenths of the device idle. Here a block takes a tile of 32 x 32 of one product and at
// most `product_depth` of its k, so that even the smallest products of ten models are hundreds of blocks; where k is
// longer, several blocks share the tile, each leaves its part in memory, and the last to arrive adds them up in the
// order of k. So the bits depend on a product's own shape and on nothing else: not on the other models, not on the
// device, not on which block was last.
//
//   jobs (blocks): on the device, each complete in itself, so that a block waits for memory once before its operands.
//   Grid (blocks), 256 threads. All of a block's operands are asked for at once and wait in shared memory, [k][row]
//   with rows swizzled so that what comes along k meets all banks. Four groups of 64 threads take every fourth k each,
//   a thread 4 x 4 elements, and meet in shared memory, in order.
// Reference: the definition (device_api_test.cu).

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned product_tile = 32;
constexpr unsigned product_depth = 128;
constexpr unsigned product_threads = 256;
constexpr unsigned product_groups = 4;
constexpr unsigned product_part = product_tile * product_tile;

/// What one block does: rows [row, row + 32), columns [col, col + 32) of C from [k, end) of k.
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

/// Where shared memory holds row `row` at step `k` of an operand. Multiples of 4 stay such.
__device__ inline unsigned product_at(unsigned k, unsigned row) { return k * product_tile + (row ^ k / 4 % 8 * 4); }

/// A thread's share of an operand: 4 x 4 elements, four of them side by side in memory, along k where `along_k`, else
/// along the other dimension.
struct OperandShare {
  float value[4][4];

  /// `first`, `rows`: the tile in the other dimension and its end; [k, end) in k.
  __device__ void load(const float* from, int ld, bool along_k, bool whole, int first, int rows, int k, int end) {
    const int t = static_cast<int>(threadIdx.x);
    ITM_UNROLL for (int part = 0; part < 4; ++part) {
      const int row = first + (along_k ? t / 8 : t % 8 * 4);
      const int depth = k + 32 * part + (along_k ? t % 8 * 4 : t / 8);
      const int side = along_k ? depth : row;
      const int side_end = along_k ? end : rows;
      const bool inside = along_k ? row < rows : depth < end;
      const float* at = from + static_cast<std::size_t>(along_k ? row : depth) * static_cast<std::size_t>(ld) + side;
      if (inside && whole && side + 4 <= side_end) {
        load_four(at, value[part]);
      } else {
        ITM_UNROLL for (int i = 0; i < 4; ++i) { value[part][i] = inside && side + i < side_end ? at[i] : 0.0F; }
      }
    }
  }

  __device__ void store(float* operand, bool along_k) const {
    const unsigned t = threadIdx.x;
    ITM_UNROLL for (unsigned part = 0; part < 4; ++part) {
      if (along_k) {
        ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
          operand[product_at(32 * part + t % 8 * 4 + i, t / 8)] = value[part][i];
        }
      } else {
        store_four(operand + product_at(32 * part + t / 8, t % 8 * 4), value[part]);
      }
    }
  }
};

ITM_KERNEL void __launch_bounds__(product_threads, 4) grouped_product(const ProductJob* jobs) {
  alignas(16) __shared__ float shared[2 * product_depth * product_tile];
  __shared__ bool last;
  const ProductJob job = jobs[blockIdx.x];
  const Gemm<float>& g = job.gemm;
  {
    OperandShare a;
    OperandShare b;
    a.load(g.a, g.lda, !g.transpose_a, job.whole_a, job.row, g.m, job.k, job.end);
    b.load(g.b, g.ldb, g.transpose_b, job.whole_b, job.col, g.n, job.k, job.end);
    a.store(shared, !g.transpose_a);
    b.store(shared + product_depth * product_tile, g.transpose_b);
  }
  __syncthreads();
  const unsigned group = threadIdx.x / 64;
  const unsigned ty = threadIdx.x % 64 / 8 * 4;  // first of four rows
  const unsigned tx = threadIdx.x % 8 * 4;       // and of four columns
  const auto steps = static_cast<unsigned>(job.end - job.k + 3) / product_groups;
  float sum[4][4] = {};
  ITM_UNROLL_BY(4) for (unsigned step = 0; step < steps; ++step) {
    const unsigned k = step * product_groups + group;
    float left[4];
    float right[4];
    load_four(shared + product_at(k, ty), left);
    load_four(shared + product_depth * product_tile + product_at(k, tx), right);
    ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
      ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { sum[i][j] += left[i] * right[j]; }
    }
  }
  __syncthreads();
  ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
    store_four(shared + group * product_part + (ty + i) * product_tile + tx, sum[i]);
  }
  __syncthreads();

  // From here a thread has four elements of one row.
  const unsigned element = threadIdx.x * 4;
  float mine[4];
  load_four(shared + element, mine);
  ITM_UNROLL for (unsigned other = 1; other < product_groups; ++other) {
    float more[4];
    load_four(shared + other * product_part + element, more);
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { mine[j] += more[j]; }
  }
  if (job.parts > 1) {
    float* parts = job.partial + element;
    store_four(parts + job.part * product_part, mine);
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
    load_four<true>(parts, mine);
    ITM_UNROLL_BY(8) for (unsigned part = 1; part < job.parts; ++part) {
      float more[4];
      load_four<true>(parts + part * product_part, more);
      ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { mine[j] += more[j]; }
    }
    if (threadIdx.x == 0) {
      *job.ticket = 0;
    }
  }
  const int row = job.row + static_cast<int>(element / product_tile);
  const int col = job.col + static_cast<int>(element % product_tile);
  if (row >= g.m || col >= g.n) {
    return;
  }
  float* c = g.c + static_cast<std::size_t>(row) * static_cast<std::size_t>(g.ldc) + col;
  if (job.whole_c && col + 4 <= g.n) {
    if (g.accumulate) {
      float before[4];
      load_four(c, before);
      ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { mine[j] += before[j]; }
    }
    store_four(c, mine);
  } else {
    ITM_UNROLL for (int j = 0; j < 4; ++j) {
      if (col + j < g.n) {
        c[j] = g.accumulate ? c[j] + mine[j] : mine[j];
      }
    }
  }
}

/// Blocks that divide k of a product.
[[nodiscard]] inline unsigned parts_of(const Gemm<float>& g) {
  return std::max(1U, tiles(static_cast<std::uint64_t>(g.k), product_depth));
}

/// Tiles of a group: what a library that divides no k has to spread over the device.
[[nodiscard]] inline std::size_t tiles_of(const std::vector<Gemm<float>>& group) {
  std::size_t count = 0;
  for (const Gemm<float>& g : group) {
    count += std::size_t{tiles(static_cast<std::uint64_t>(g.m), product_tile)} *
             tiles(static_cast<std::uint64_t>(g.n), product_tile);
  }
  return count;
}

/// Groups of more tiles than this are faster in cuBLAS: eight for each SM of an H100 (docs/gpu.md).
constexpr std::size_t most_grouped_tiles = 1024;

/// A group that the kernel above runs.
class GroupedProducts final : public GemmGroup {
 public:
  GroupedProducts(DeviceApi& api, const std::vector<Gemm<float>>& group) : api_(api) {
    std::size_t parts_of_all = 0;
    std::size_t divided = 0;  // tiles
    const auto each_tile = [&](auto visit) {
      for (const Gemm<float>& g : group) {
        for (int row = 0; row < g.m; row += static_cast<int>(product_tile)) {
          for (int col = 0; col < g.n; col += static_cast<int>(product_tile)) {
            visit(g, row, col, parts_of(g));
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
      const int depth = static_cast<int>(tiles(tiles(static_cast<std::uint64_t>(g.k), parts), 4)) * 4;
      for (unsigned part = 0; part < parts; ++part) {
        const int k = std::min(static_cast<int>(part) * depth, g.k);
        const int end = std::min(k + depth, g.k);
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
    for (const Gemm<float>& g : group) {
      flops_ += g.flops();
    }
  }

  void run() override {
    api_.count_flops(flops_);
    launch(api_, grouped_product, dim3(static_cast<unsigned>(jobs_.size())), dim3(product_threads), jobs_.data());
  }

 private:
  static bool whole(const float* from, int ld) {
    return reinterpret_cast<std::uintptr_t>(from) % sizeof(Pack) == 0 && ld % 4 == 0;
  }

  DeviceApi& api_;
  DeviceBuffer<float> partial_;
  DeviceBuffer<std::uint32_t> tickets_;
  DeviceBuffer<ProductJob> jobs_;
  double flops_ = 0;
};

}  // namespace itm::ITM_KERNELS
