#include "device/cpu_pairs.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "core/page_allocator.hpp"
#include "core/simd.hpp"
#include "device/blas.hpp"

namespace itm::cpu {
namespace {

/// key_j = (1 - correlation_j) in steps of 2^-30, then the bit "same class".
ITM_CLONES void make_keys(const double* correlation, const std::int32_t* index, std::int32_t mine, std::uint32_t* keys,
                          std::size_t count) {
  constexpr double steps = 1073741824.0;  // 2^30
  constexpr double most = 2147483647.0;
  for (std::size_t j = 0; j < count; ++j) {
    const double step = (1.0 - correlation[j]) * steps + 0.5;
    const double clamped = step < 0 ? 0 : (step > most ? most : step);
    // By way of a signed integer: unsigned conversions do not vectorise before AVX-512.
    const auto distance = static_cast<std::uint32_t>(static_cast<std::int32_t>(clamped));
    keys[j] = distance << 1U | (index[j] == mine ? 1U : 0U);
  }
}

void radix_sort(PageVector<std::uint32_t>& keys) {
  constexpr unsigned digit_bits = 11;
  constexpr std::size_t buckets = std::size_t{1} << digit_bits;
  constexpr unsigned passes = 3;
  std::vector<std::array<std::size_t, buckets>> offset(passes);
  for (const std::uint32_t key : keys) {
    for (unsigned pass = 0; pass < passes; ++pass) {
      ++offset[pass][(key >> (pass * digit_bits)) & (buckets - 1)];
    }
  }
  PageVector<std::uint32_t> other(keys.size());
  for (unsigned pass = 0; pass < passes; ++pass) {
    std::exclusive_scan(offset[pass].begin(), offset[pass].end(), offset[pass].begin(), std::size_t{0});
    for (const std::uint32_t key : keys) {
      other[offset[pass][(key >> (pass * digit_bits)) & (buckets - 1)]++] = key;
    }
    keys.swap(other);
  }
}

/// The keys of all pairs i < j, rows in blocks so that the correlations stay in the cache.
PageVector<std::uint32_t> pair_keys(View x, IndexView index) {
  const std::size_t n = x.rows();
  const std::size_t block = std::clamp<std::size_t>((std::size_t{1} << 19U) / std::max<std::size_t>(n, 1), 16, 256);
  PageVector<std::uint32_t> keys(n * (n - 1) / 2);
  PageVector<double> correlations(block * n);
  std::size_t done = 0;
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t rows = std::min(block, n - first);
    const std::size_t cols = n - first;
    const double* from = x.data() + first * x.stride();
    blas::gemm(blas::Op::none, blas::Op::transpose, rows, cols, x.cols(), 1.0, from, x.stride(), from, x.stride(), 0.0,
               correlations.data(), cols);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::int32_t* right = index.data() + first + i + 1;
      make_keys(correlations.data() + i * cols + i + 1, right, right[-1], keys.data() + done, cols - i - 1);
      done += cols - i - 1;
    }
  }
  return keys;
}

}  // namespace

PairRanks rank_pairs(View x, IndexView index) {
  PairRanks result;
  if (x.rows() < 2) {
    return result;
  }
  PageVector<std::uint32_t> keys = pair_keys(x, index);
  radix_sort(keys);
  result.pairs = static_cast<double>(keys.size());
  for (std::size_t begin = 0; begin < keys.size();) {
    std::size_t end = begin;
    double same = 0;
    while (end < keys.size() && keys[end] >> 1U == keys[begin] >> 1U) {
      same += keys[end] & 1U;
      ++end;
    }
    const auto tied = static_cast<double>(end - begin);
    result.same += same;
    result.same_rank_sum += same * (static_cast<double>(begin) + (tied + 1) / 2);
    result.ties += (tied * tied - 1) * tied;
    begin = end;
  }
  return result;
}

}  // namespace itm::cpu
