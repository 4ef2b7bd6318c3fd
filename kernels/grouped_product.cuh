#pragma once
// The products of one operation for all models of a wave, whatever their shapes, in one launch.
//
// A product of one model is too small for a GPU: theta = X psi_w^T is (256, D) (D, 100), eight tiles of 64 x 64, and a
// library that sees one shape at a time leaves nine tenths of the device idle. Here a block takes one tile of one
// product and `depth` of its k; where k is longer, several blocks share the tile, each leaves its part in memory, and
// the last to arrive adds them up in the order of k. So the bits depend on a product's own shape and on nothing else:
// not on the other models, not on the device, not on which block was last.
//
//   products (count), tiles (blocks): on the device. partial: a tile for each block of a divided product; tickets: one
//   for each divided tile, zero before and after.
//   Grid (blocks), 128 threads; a thread holds 8 x 4 of the 64 x 64 elements and goes through k in steps of 16, of
//   which the next is on its way from memory meanwhile. Shared memory 2 x 2 x 16 x 68 elements.
// Reference: the definition (device_api_test.cu).

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

constexpr unsigned product_tile = 64;
constexpr unsigned product_step = 16;
constexpr unsigned product_threads = 128;
constexpr unsigned product_pitch = product_tile + 4;  // keeps 16 bytes aligned and spreads the banks
constexpr unsigned product_part = product_tile * product_tile;

/// A Gemm, and how it is divided.
template <typename T>
struct GroupedProduct {
  Gemm<T> gemm;
  std::uint32_t depth;  ///< of k, a block
  std::uint32_t parts;  ///< blocks a tile
  bool whole_a;         ///< rows begin on 16 bytes: they may be read 16 bytes at a time
  bool whole_b;
  bool whole_c;
};

/// What one block does.
struct ProductTile {
  std::uint32_t product;
  std::uint32_t row;  ///< of C, in tiles
  std::uint32_t col;
  std::uint32_t part;
  std::uint32_t partial;  ///< where the tile's first part goes, in tiles
  std::uint32_t ticket;
};

/// 16 bytes of T.
template <typename T>
struct alignas(16) Pack {
  static constexpr unsigned size = 16 / sizeof(T);
  T value[size];
};

/// Four elements that begin on 16 bytes. `fresh`: as other blocks of this launch left them.
template <typename T>
__device__ inline void load_four(const T* at, T (&to)[4], bool fresh = false) {
  for (unsigned p = 0; p < 4 / Pack<T>::size; ++p) {
    const Pack<T>* from = reinterpret_cast<const Pack<T>*>(at) + p;
    const Pack<T> pack = fresh ? load_fresh(from) : *from;
    for (unsigned i = 0; i < Pack<T>::size; ++i) {
      to[p * Pack<T>::size + i] = pack.value[i];
    }
  }
}
template <typename T>
__device__ inline void store_four(T* at, const T* from) {
  for (unsigned p = 0; p < 4 / Pack<T>::size; ++p) {
    Pack<T> pack;
    for (unsigned i = 0; i < Pack<T>::size; ++i) {
      pack.value[i] = from[p * Pack<T>::size + i];
    }
    reinterpret_cast<Pack<T>*>(at)[p] = pack;
  }
}

/// A thread's share of a tile of an operand: 8 elements that lie side by side in memory, along k where `along_k`, else
/// along the other dimension.
template <typename T>
struct OperandShare {
  T value[8];

  /// `first`, `rows`: the tile in the other dimension and its end; [k, end) in k.
  __device__ void load(const T* from, int ld, bool along_k, bool whole, int first, int rows, int k, int end) {
    const int t = static_cast<int>(threadIdx.x);
    const int row = first + (along_k ? t / 2 : t % 8 * 8);
    const int depth = k + (along_k ? t % 2 * 8 : t / 8);
    const int side = along_k ? depth : row;
    const int side_end = along_k ? end : rows;
    const bool inside = along_k ? row < rows : depth < end;
    const T* at = from + static_cast<std::size_t>(along_k ? row : depth) * static_cast<std::size_t>(ld) + side;
    if (inside && whole && side + 8 <= side_end) {
      T low[4];
      T high[4];
      load_four(at, low);
      load_four(at + 4, high);
      for (int i = 0; i < 4; ++i) {
        value[i] = low[i];
        value[4 + i] = high[i];
      }
    } else {
      for (int i = 0; i < 8; ++i) {
        value[i] = inside && side + i < side_end ? at[i] : T{0};
      }
    }
  }

  __device__ void store(T (&tile)[product_step][product_pitch], bool along_k) const {
    const unsigned t = threadIdx.x;
    if (along_k) {
      for (unsigned i = 0; i < 8; ++i) {
        tile[t % 2 * 8 + i][t / 2] = value[i];
      }
      return;
    }
    store_four(&tile[t / 8][t % 8 * 8], value);
    store_four(&tile[t / 8][t % 8 * 8 + 4], value + 4);
  }
};

template <typename T>
__global__ void __launch_bounds__(product_threads)
    grouped_product(const GroupedProduct<T>* products, const ProductTile* tiles, T* partial, std::uint32_t* tickets) {
  alignas(16) __shared__ T a_tile[2][product_step][product_pitch];
  alignas(16) __shared__ T b_tile[2][product_step][product_pitch];
  __shared__ bool last;
  const ProductTile tile = tiles[blockIdx.x];
  const GroupedProduct<T>& product = products[tile.product];
  const Gemm<T> g = product.gemm;
  const bool whole_a = product.whole_a;
  const bool whole_b = product.whole_b;
  const bool whole_c = product.whole_c;
  const int parts = static_cast<int>(product.parts);
  const int first_row = static_cast<int>(tile.row * product_tile);
  const int first_col = static_cast<int>(tile.col * product_tile);
  int k = static_cast<int>(tile.part * product.depth);
  const int end = tile.part + 1 == product.parts ? g.k : k + static_cast<int>(product.depth);

  // Rows ty * 4 and 32 + ty * 4, four each; columns tx * 4, four.
  const unsigned ty = threadIdx.x / 16;
  const unsigned tx = threadIdx.x % 16;
  T sum[8][4] = {};
  OperandShare<T> a;
  OperandShare<T> b;
  a.load(g.a, g.lda, !g.transpose_a, whole_a, first_row, g.m, k, end);
  b.load(g.b, g.ldb, g.transpose_b, whole_b, first_col, g.n, k, end);
  a.store(a_tile[0], !g.transpose_a);
  b.store(b_tile[0], g.transpose_b);
  __syncthreads();
  for (unsigned turn = 0; k < end; turn ^= 1U) {
    k += static_cast<int>(product_step);
    if (k < end) {
      a.load(g.a, g.lda, !g.transpose_a, whole_a, first_row, g.m, k, end);
      b.load(g.b, g.ldb, g.transpose_b, whole_b, first_col, g.n, k, end);
    }
    for (unsigned step = 0; step < product_step; ++step) {
      T upper[4];
      T lower[4];
      T right[4];
      load_four(&a_tile[turn][step][ty * 4], upper);
      load_four(&a_tile[turn][step][product_tile / 2 + ty * 4], lower);
      load_four(&b_tile[turn][step][tx * 4], right);
      for (unsigned i = 0; i < 4; ++i) {
        for (unsigned j = 0; j < 4; ++j) {
          sum[i][j] += upper[i] * right[j];
          sum[4 + i][j] += lower[i] * right[j];
        }
      }
    }
    if (k < end) {
      a.store(a_tile[turn ^ 1U], !g.transpose_a);
      b.store(b_tile[turn ^ 1U], g.transpose_b);
      __syncthreads();
    }
  }

  if (parts > 1) {
    T* mine = partial + static_cast<std::size_t>(tile.partial) * product_part + threadIdx.x * 4;
    for (unsigned i = 0; i < 8; ++i) {
      store_four(mine + tile.part * product_part + i * product_threads * 4, sum[i]);
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      last = atomicAdd(&tickets[tile.ticket], 1U) + 1 == product.parts;
    }
    __syncthreads();
    if (!last) {
      return;
    }
    __threadfence();
    for (int part = 0; part < parts; ++part) {
      for (unsigned i = 0; i < 8; ++i) {
        T more[4];
        load_four(mine + static_cast<unsigned>(part) * product_part + i * product_threads * 4, more, true);
        for (unsigned j = 0; j < 4; ++j) {
          sum[i][j] = part == 0 ? more[j] : sum[i][j] + more[j];
        }
      }
    }
    if (threadIdx.x == 0) {
      tickets[tile.ticket] = 0;
    }
  }
  for (unsigned i = 0; i < 8; ++i) {
    const int row = first_row + static_cast<int>((i < 4 ? 0 : product_tile / 2 - 4) + ty * 4 + i);
    const int col = first_col + static_cast<int>(tx * 4);
    if (row < g.m && col < g.n) {
      T* c = g.c + static_cast<std::size_t>(row) * static_cast<std::size_t>(g.ldc) + col;
      const bool whole = whole_c && col + 4 <= g.n;
      if (g.accumulate) {
        T before[4];
        if (whole) {
          load_four(c, before);
        }
        for (int j = 0; j < 4; ++j) {
          sum[i][j] += whole ? before[j] : col + j < g.n ? c[j] : T{0};
        }
      }
      if (whole) {
        store_four(c, sum[i]);
      } else {
        for (int j = 0; j < 4 && col + j < g.n; ++j) {
          c[j] = sum[i][j];
        }
      }
    }
  }
}

/// Blocks that divide k of a product, each so much of it: one up to one and a half times `depth`.
template <typename T>
[[nodiscard]] inline unsigned parts_of(const Gemm<T>& g, std::size_t depth) {
  const auto k = static_cast<std::size_t>(g.k);
  return 2 * k > 3 * depth ? tiles(k, depth) : 1;
}

/// Blocks of a group.
template <typename T>
[[nodiscard]] std::size_t blocks_of(const std::vector<Gemm<T>>& group, std::size_t depth) {
  std::size_t blocks = 0;
  for (const Gemm<T>& g : group) {
    blocks += std::size_t{tiles(static_cast<std::uint64_t>(g.m), product_tile)} *
              tiles(static_cast<std::uint64_t>(g.n), product_tile) * parts_of(g, depth);
  }
  return blocks;
}

/// Groups of more blocks than this are faster in cuBLAS (docs/gpu.md).
constexpr std::size_t most_grouped_blocks = 2048;

/// A group that the kernel above runs.
template <typename T>
class GroupedProducts final : public GemmGroup {
 public:
  /// `depth`: a multiple of product_step.
  GroupedProducts(DeviceApi& api, const std::vector<Gemm<T>>& group, std::size_t depth) : api_(api) {
    std::vector<GroupedProduct<T>> products;
    std::vector<ProductTile> tiles_of_all;
    std::uint32_t parts_of_all = 0;
    std::uint32_t tickets = 0;
    for (const Gemm<T>& g : group) {
      const unsigned parts = parts_of(g, depth);
      const bool divided = parts > 1;
      const auto number = static_cast<std::uint32_t>(products.size());
      products.push_back({g, divided ? static_cast<std::uint32_t>(depth) : static_cast<std::uint32_t>(g.k), parts,
                          whole(g.a, g.lda), whole(g.b, g.ldb), whole(g.c, g.ldc)});
      for (std::uint32_t row = 0; row < tiles(static_cast<std::uint64_t>(g.m), product_tile); ++row) {
        for (std::uint32_t col = 0; col < tiles(static_cast<std::uint64_t>(g.n), product_tile); ++col) {
          for (std::uint32_t part = 0; part < parts; ++part) {
            tiles_of_all.push_back({number, row, col, part, parts_of_all, tickets});
          }
          parts_of_all += divided ? parts : 0;
          tickets += divided ? 1 : 0;
        }
      }
    }
    // Long ones first: what is left at the end is short.
    std::stable_sort(tiles_of_all.begin(), tiles_of_all.end(), [&](const ProductTile& a, const ProductTile& b) {
      return products[a.product].depth > products[b.product].depth;
    });
    blocks_ = static_cast<unsigned>(tiles_of_all.size());
    products_ = DeviceBuffer<GroupedProduct<T>>(api, products);
    tiles_ = DeviceBuffer<ProductTile>(api, tiles_of_all);
    partial_ = DeviceBuffer<T>(api, static_cast<std::size_t>(parts_of_all) * product_part);
    tickets_ = DeviceBuffer<std::uint32_t>(api, tickets);
    tickets_.zero();
  }

  void run() override {
    launch(api_, grouped_product<T>, dim3(blocks_), dim3(product_threads), products_.data(), tiles_.data(),
           partial_.data(), tickets_.data());
  }

 private:
  static bool whole(const T* from, int ld) {
    return reinterpret_cast<std::uintptr_t>(from) % sizeof(Pack<T>) == 0 &&
           static_cast<std::size_t>(ld) % Pack<T>::size == 0;
  }

  DeviceApi& api_;
  unsigned blocks_ = 0;
  DeviceBuffer<GroupedProduct<T>> products_;
  DeviceBuffer<ProductTile> tiles_;
  DeviceBuffer<T> partial_;
  DeviceBuffer<std::uint32_t> tickets_;
};

}  // namespace itm::ITM_KERNELS
