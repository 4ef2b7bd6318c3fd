#pragma once
// Ranks of all pairwise distances, for PARC (Device::rank_pairs): every distance becomes a key of 31 bits and the bit
// "same class", all keys are sorted, and the rank of a key is the middle of those that share its distance. Exact: sums
// are of whole and half numbers. Memory: twice 4 bytes per pair, and a block of correlations.

#include "kernels/gpu_memory.cuh"

namespace itm::ITM_KERNELS {

/// The first of `count` ascending keys whose distance is not below `distance`.
__device__ inline std::uint64_t first_at_least(const std::uint32_t* keys, std::uint64_t count, std::uint32_t distance) {
  std::uint64_t low = 0;
  std::uint64_t high = count;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (keys[middle] >> 1U < distance) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

inline PairRanks gpu_rank_pairs(Device& device, const GpuMemory& memory, ConstView x, ConstIndexView index,
                                std::size_t block_bytes) {
  const std::size_t n = x.rows();
  if (n < 2) {
    return {};
  }
  const std::uint64_t pairs = static_cast<std::uint64_t>(n) * (n - 1) / 2;
  const auto memory_of_keys = memory.take<std::uint32_t>(pairs);
  std::uint32_t* keys = memory_of_keys.get();
  const std::size_t step = std::clamp<std::size_t>(block_bytes / (n * sizeof(double)), 1, n);
  const Matrix products = memory.matrix(step, n);
  const std::int32_t* label = index.data();
  for (std::size_t first = 0; first < n; first += step) {
    const std::size_t rows = std::min(step, n - first);
    const std::size_t cols = n - first;
    const View block = products.rows(0, rows).columns(0, cols);
    device.multiply(1, x.rows(first, rows), Op::none, x.rows(first, cols), Op::transpose, 0, block);
    each(memory.api(), rows, cols, 12 * rows * cols,
         [=, r = grid(ConstView(block))] __device__(std::uint32_t i, std::uint32_t j) {
           if (j <= i) {
             return;
           }
           const double distance = (1.0 - r(i, j)) * 1073741824.0 + 0.5;  // steps of 2^-30
           const double clamped = distance < 0 ? 0 : (distance > 2147483647.0 ? 2147483647.0 : distance);
           const std::uint64_t row = first + i;
           const std::uint64_t at = row * (2 * n - row - 1) / 2 + (j - i - 1);
           keys[at] = static_cast<std::uint32_t>(clamped) << 1U | (label[first + i] == label[first + j] ? 1U : 0U);
         });
  }
  memory.api().sort(keys, pairs);

  const Matrix sums = device.matrix(1, 3);
  reduce_all(
      memory, pairs, 4 * pairs, [=] __device__(std::uint64_t p) { return static_cast<double>(keys[p] & 1U); },
      sums.columns(0, 1));
  reduce_all(
      memory, pairs, 4 * pairs,
      [=] __device__(std::uint64_t p) {
        if ((keys[p] & 1U) == 0) {
          return 0.0;
        }
        const std::uint32_t distance = keys[p] >> 1U;
        const std::uint64_t begin = first_at_least(keys, pairs, distance);
        const std::uint64_t end = first_at_least(keys, pairs, distance + 1);
        return static_cast<double>(begin) + (static_cast<double>(end - begin) + 1) / 2;
      },
      sums.columns(1, 1));
  reduce_all(
      memory, pairs, 8 * pairs,
      [=] __device__(std::uint64_t p) {
        const std::uint32_t distance = keys[p] >> 1U;
        const bool tied = (p > 0 && keys[p - 1] >> 1U == distance) || (p + 1 < pairs && keys[p + 1] >> 1U == distance);
        if (!tied) {
          return 0.0;
        }
        // t of them add t^2 - 1 each.
        const auto t =
            static_cast<double>(first_at_least(keys, pairs, distance + 1) - first_at_least(keys, pairs, distance));
        return t * t - 1;
      },
      sums.columns(2, 1));
  const std::vector<double> found = device.read(ConstView(sums));
  return {static_cast<double>(pairs), found[0], found[1], found[2]};
}

}  // namespace itm::ITM_KERNELS
