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
//   with rows swizzled so that what comes along k meets all banks. Groups of threads multiply some of k each, in
//   float32 or on tensor cores (FloatProduct, TensorProduct), and meet in shared memory, in order.
// Reference: the definition (device_api_test.cu).

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/four.cuh"
#include "kernels/grid.cuh"
#include "kernels/tensor_cores.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned product_tile = 32;
constexpr unsigned product_depth = 128;
constexpr unsigned product_threads = 256;
constexpr unsigned product_part = product_tile * product_tile;

/// What one block does: rows [row, row + 32), columns [col, col + 32) of C from [k, end) of k.
struct alignas(16) ProductJob {
  Grid<const float> a;
  Grid<const float> b;
  Grid<float> c;
  float* partial;         ///< where the tile's parts go, in order; null where there is one
  std::uint32_t* ticket;  ///< parts that have arrived; 0 before and after
  int row;
  int col;
  int k;
  int end;
  std::uint32_t part;
  std::uint32_t parts;
  bool transpose_a;
  bool transpose_b;
  bool accumulate;
  bool whole_a;  ///< rows begin on 16 bytes: they may be read 16 bytes at a time
  bool whole_b;
  bool whole_c;
};

/// Where shared memory holds row `row` at step `k` of an operand. Multiples of 4 stay such.
__device__ inline unsigned product_at(unsigned k, unsigned row) { return k * product_tile + (row ^ k / 4 % 8 * 4); }

/// A thread's share of an operand: 4 x 4 elements, four of them side by side in memory, along k where `along_k`, else
/// along the other dimension.
struct OperandShare {
  Four<float> value[4];

  /// `first`, `rows`: the tile in the other dimension and its end; [k, end) in k.
  __device__ void load(const Grid<const float>& from, bool along_k, bool whole, int first, int rows, int k, int end) {
    const int t = static_cast<int>(threadIdx.x);
    ITM_UNROLL for (int part = 0; part < 4; ++part) {
      const int row = first + (along_k ? t / 8 : t % 8 * 4);
      const int depth = k + 32 * part + (along_k ? t % 8 * 4 : t / 8);
      const int side = along_k ? depth : row;
      const int side_end = along_k ? end : rows;
      const bool inside = along_k ? row < rows : depth < end;
      const float* at = from.data + static_cast<std::uint64_t>(along_k ? row : depth) * from.stride + side;
      if (inside && whole && side + 4 <= side_end) {
        value[part] = load_four(at);
      } else {
        ITM_UNROLL for (int i = 0; i < 4; ++i) { value[part].value[i] = inside && side + i < side_end ? at[i] : 0.0F; }
      }
    }
  }

  __device__ void store(float* operand, bool along_k) const {
    const unsigned t = threadIdx.x;
    ITM_UNROLL for (unsigned part = 0; part < 4; ++part) {
      if (along_k) {
        ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
          operand[product_at(32 * part + t % 8 * 4 + i, t / 8)] = value[part].value[i];
        }
      } else {
        store_four(operand + product_at(32 * part + t / 8, t % 8 * 4), value[part]);
      }
    }
  }
};

/// Where shared memory holds an element of a part of the tile, so that what a warp stores meets all banks.
__device__ inline unsigned part_at(unsigned row, unsigned col) { return row * product_tile + (col ^ row / 4 % 2 * 4); }

/// Arithmetic of the product: from the operands in shared memory, `depth` of k, to `groups` parts of the tile there,
/// which add up to it in order. `blocks` of it share an SM. This one is float32.
struct FloatProduct {
  static constexpr unsigned groups = 4;
  static constexpr unsigned blocks = 4;

  /// Groups of 64 threads take every fourth k each, a thread 4 x 4 elements.
  __device__ static void multiply(float* shared, unsigned depth) {
    const unsigned group = threadIdx.x / 64;
    const unsigned ty = threadIdx.x % 64 / 8 * 4;  // first of four rows
    const unsigned tx = threadIdx.x % 8 * 4;       // and of four columns
    const unsigned steps = (depth + groups - 1) / groups;
    Four<float> sum[4] = {};
    ITM_UNROLL_BY(4) for (unsigned step = 0; step < steps; ++step) {
      const unsigned k = step * groups + group;
      const Four<float> left = load_four(shared + product_at(k, ty));
      const Four<float> right = load_four(shared + product_depth * product_tile + product_at(k, tx));
      ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
        ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { sum[i].value[j] += left.value[i] * right.value[j]; }
      }
    }
    __syncthreads();
    ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
      store_four(shared + group * product_part + part_at(ty + i, tx), sum[i]);
    }
  }
};

/// 3xTF32: C += low high + high low + high high on tensor cores. What is left out, low low and the rounding of low, is
/// less than 2^-21 |a| |b| of a product a b. Tensor cores cut off what they add, so no more than 16 of k meet there:
/// all longer sums are those of float32.
struct TensorProduct {
  static constexpr unsigned groups = 8;
  static constexpr unsigned blocks = 3;

  /// A warp has the whole tile and 16 of 32 neighbouring k. Which rows, columns and k an instruction multiplies is
  /// free, so they are what lies side by side in shared memory: thread 4 g + t reads rows (columns) 4 g to 4 g + 3 at
  /// once, for k of t that meet all banks.
  __device__ static void multiply(float* shared, unsigned depth) {
    const unsigned warp = threadIdx.x / warp_size;
    const unsigned g = threadIdx.x % warp_size / 4;
    const unsigned t = threadIdx.x % 4;
    const unsigned first = warp / 2 * 32;
    float sum[2][4][4] = {};  // two pairs of rows, four columns, what tensor_product() has of them
    if (first < depth) {
      ITM_UNROLL for (unsigned slice = 0; slice < 2; ++slice) {
        add_slice(shared, first + t * 8 + warp % 2 * 2 + slice, g * 4, sum);
      }
    }
    __syncthreads();
    ITM_UNROLL for (unsigned row = 0; row < 4; ++row) {
      ITM_UNROLL for (unsigned half = 0; half < 2; ++half) {
        Four<float> side{};
        ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { side.value[j] = sum[row / 2][j][row % 2 * 2 + half]; }
        store_four(shared + warp * product_part + part_at(g * 4 + row, t * 8 + half * 4), side);
      }
    }
  }

 private:
  /// Steps k and k + 4 of each thread.
  __device__ static void add_slice(const float* shared, unsigned k, unsigned at, float (&sum)[2][4][4]) {
    float high[2][4];
    float low[2][4];
    Four<float> right[2];
    ITM_UNROLL for (unsigned step = 0; step < 2; ++step) {
      const Four<float> left = load_four(shared + product_at(k + step * 4, at));
      ITM_UNROLL for (unsigned i = 0; i < 4; ++i) {
        const SplitFloat split(left.value[i]);
        high[i / 2][step * 2 + i % 2] = split.high;
        low[i / 2][step * 2 + i % 2] = split.low;
      }
      right[step] = load_four(shared + product_depth * product_tile + product_at(k + step * 4, at));
    }
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) {
      const SplitFloat one(right[0].value[j]);
      const SplitFloat other(right[1].value[j]);
      const float right_high[2] = {one.high, other.high};
      const float right_low[2] = {one.low, other.low};
      ITM_UNROLL for (unsigned pair = 0; pair < 2; ++pair) { tensor_product(sum[pair][j], low[pair], right_high); }
      ITM_UNROLL for (unsigned pair = 0; pair < 2; ++pair) { tensor_product(sum[pair][j], high[pair], right_low); }
      ITM_UNROLL for (unsigned pair = 0; pair < 2; ++pair) { tensor_product(sum[pair][j], high[pair], right_high); }
    }
  }
};

template <typename Arithmetic>
__global__ void __launch_bounds__(product_threads, Arithmetic::blocks) grouped_product(const ProductJob* jobs) {
  alignas(16) __shared__ float shared[2 * product_depth * product_tile];
  static_assert(Arithmetic::groups * product_part <= 2 * product_depth * product_tile);
  __shared__ bool last;
  unsigned depth = 0;
  {
    const ProductJob job = jobs[blockIdx.x];
    depth = static_cast<unsigned>(job.end - job.k);
    OperandShare a;
    OperandShare b;
    a.load(job.a, !job.transpose_a, job.whole_a, job.row, static_cast<int>(job.c.rows), job.k, job.end);
    b.load(job.b, job.transpose_b, job.whole_b, job.col, static_cast<int>(job.c.cols), job.k, job.end);
    a.store(shared, !job.transpose_a);
    b.store(shared + product_depth * product_tile, job.transpose_b);
  }
  __syncthreads();
  Arithmetic::multiply(shared, depth);
  __syncthreads();

  const ProductJob& job = jobs[blockIdx.x];  // once more, so that the registers were for the sums
  // From here a thread has four elements of one row.
  const unsigned element = threadIdx.x * 4;
  const unsigned at = part_at(element / product_tile, element % product_tile);
  Four<float> mine = load_four(shared + at);
  const auto add = [&mine](const Four<float>& more) {
    ITM_UNROLL for (unsigned j = 0; j < 4; ++j) { mine.value[j] += more.value[j]; }
  };
  ITM_UNROLL for (unsigned other = 1; other < Arithmetic::groups; ++other) {
    add(load_four(shared + other * product_part + at));
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
    mine = load_fresh(reinterpret_cast<const Four<float>*>(parts));
    ITM_UNROLL_BY(8) for (unsigned part = 1; part < job.parts; ++part) {
      add(load_fresh(reinterpret_cast<const Four<float>*>(parts + part * product_part)));
    }
    if (threadIdx.x == 0) {
      *job.ticket = 0;
    }
  }
  const auto rows = static_cast<int>(job.c.rows);
  const auto cols = static_cast<int>(job.c.cols);
  const int row = job.row + static_cast<int>(element / product_tile);
  const int col = job.col + static_cast<int>(element % product_tile);
  if (row >= rows || col >= cols) {
    return;
  }
  float* c = &job.c(static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(col));
  if (job.whole_c && col + 4 <= cols) {
    if (job.accumulate) {
      add(load_four(c));
    }
    store_four(c, mine);
  } else {
    ITM_UNROLL for (int j = 0; j < 4; ++j) {
      if (col + j < cols) {
        c[j] = job.accumulate ? c[j] + mine.value[j] : mine.value[j];
      }
    }
  }
}

/// Blocks that divide k of a product.
[[nodiscard]] inline unsigned parts_of(const Gemm<float>& g) { return std::max(1U, tiles(g.depth(), product_depth)); }

/// Tiles of a group: what a library that divides no k has to spread over the device.
[[nodiscard]] inline std::size_t tiles_of(const std::vector<Gemm<float>>& group) {
  std::size_t count = 0;
  for (const Gemm<float>& g : group) {
    count += std::size_t{tiles(g.c.rows(), product_tile)} * tiles(g.c.cols(), product_tile);
  }
  return count;
}

/// Groups of more tiles than this are faster in cuBLAS: eight for each SM of an H100 (docs/gpu.md).
constexpr std::size_t most_grouped_tiles = 1024;

/// A group that the kernel above runs: 3xTF32 where the precision is that, else float32.
class GroupedProducts final : public GemmGroup {
 public:
  GroupedProducts(DeviceApi& api, const std::vector<Gemm<float>>& group, Precision precision, Layout& layout)
      : api_(api),
        kernel_(precision == Precision::tf32x3 ? grouped_product<TensorProduct> : grouped_product<FloatProduct>) {
    std::vector<ProductJob> jobs;
    for (const Gemm<float>& g : group) {
      add_jobs(g, layout, jobs);
      flops_ += g.flops();
      bytes_ += sizeof(float) * (g.a.size() + g.b.size() + g.c.size() * (g.accumulate ? 2 : 1));
    }
    // Long ones first: what is left at the end is short.
    std::stable_sort(jobs.begin(), jobs.end(), [](const ProductJob& one, const ProductJob& other) {
      return one.end - one.k > other.end - other.k;
    });
    jobs_ = layout.put(jobs);
    blocks_ = static_cast<unsigned>(jobs.size());
  }

  void run() override {
    api_.count_flops(flops_);
    launch(api_, kernel_, dim3(blocks_), dim3(product_threads), jobs_);
    api_.count_moved(bytes_);
  }

 private:
  static void add_jobs(const Gemm<float>& g, Layout& layout, std::vector<ProductJob>& jobs) {
    const unsigned parts = parts_of(g);
    const std::size_t tiles_of_g = tiles_of({g});
    float* partial = parts > 1 ? layout.take<float>(tiles_of_g * parts * product_part) : nullptr;
    std::uint32_t* ticket = parts > 1 ? layout.zeroed<std::uint32_t>(tiles_of_g) : nullptr;
    const auto k = static_cast<int>(g.depth());
    const int depth = static_cast<int>(tiles(tiles(g.depth(), parts), 4)) * 4;
    ProductJob job{};
    job.a = grid(g.a);
    job.b = grid(g.b);
    job.c = grid(g.c);
    job.parts = parts;
    job.transpose_a = g.op_a == Op::transpose;
    job.transpose_b = g.op_b == Op::transpose;
    job.accumulate = g.accumulate;
    job.whole_a = whole(g.a);
    job.whole_b = whole(g.b);
    job.whole_c = whole(g.c);
    for (std::uint32_t row = 0; row < job.c.rows; row += product_tile) {
      for (std::uint32_t col = 0; col < job.c.cols; col += product_tile) {
        job.row = static_cast<int>(row);
        job.col = static_cast<int>(col);
        job.partial = partial;
        job.ticket = ticket;
        for (job.part = 0; job.part < parts; ++job.part) {
          job.k = std::min(static_cast<int>(job.part) * depth, k);
          job.end = std::min(job.k + depth, k);
          jobs.push_back(job);
        }
        if (parts > 1) {
          partial += parts * product_part;
          ++ticket;
        }
      }
    }
  }
  template <typename U>
  static bool whole(BasicView<U> x) {
    return reinterpret_cast<std::uintptr_t>(x.data()) % sizeof(Four<float>) == 0 && x.stride() % 4 == 0;
  }

  DeviceApi& api_;
  void (*kernel_)(const ProductJob*);
  const ProductJob* jobs_ = nullptr;
  unsigned blocks_ = 0;
  std::size_t bytes_ = 0;
  double flops_ = 0;
};

}  // namespace itm::ITM_KERNELS
