// Spearman's correlation of two sets of pairwise distances. Both are sorted, as 32-bit keys that carry their partner's
// key, then their partner's rank, along.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/page_allocator.hpp"
#include "itm/device.hpp"

namespace itm {
namespace {

using Pairs = PageVector<std::uint64_t>;

/// By the upper half.
void radix_sort(Pairs& pairs) {
  constexpr unsigned digit_bits = 11;
  constexpr std::size_t buckets = std::size_t{1} << digit_bits;
  Pairs other(pairs.size());
  for (unsigned shift = 32; shift < 64; shift += digit_bits) {
    std::array<std::size_t, buckets> offset{};
    for (const std::uint64_t pair : pairs) {
      ++offset[(pair >> shift) & (buckets - 1)];
    }
    std::exclusive_scan(offset.begin(), offset.end(), offset.begin(), std::size_t{0});
    for (const std::uint64_t pair : pairs) {
      other[offset[(pair >> shift) & (buckets - 1)]++] = pair;
    }
    pairs.swap(other);
  }
}

/// Calls use(first, count) for every run of sorted pairs with the same upper half.
template <typename Use>
void for_each_tie(const Pairs& sorted, const Use& use) {
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin + 1;
    while (end < sorted.size() && sorted[end] >> 32U == sorted[begin] >> 32U) {
      ++end;
    }
    use(begin, end - begin);
    begin = end;
  }
}

/// sum of (t^3 - t) / 12 over runs of t equal ranks.
double tie_term(std::size_t count) {
  const auto tied = static_cast<double>(count);
  return (tied * tied - 1) * tied / 12;
}

/// 1 - correlation in steps of 2^-30, as PARC compares distances.
std::uint64_t key_of(double correlation) {
  return static_cast<std::uint64_t>(std::clamp((1.0 - correlation) * 0x1p30 + 0.5, 0.0, 0x1p31 - 1));
}

double spearman(Pairs& pairs) {
  const auto count = static_cast<double>(pairs.size());
  double first_variance = (count * count - 1) * count / 12;
  double second_variance = first_variance;
  radix_sort(pairs);
  for_each_tie(pairs, [&](std::size_t first, std::size_t tied) {
    first_variance -= tie_term(tied);
    const std::uint64_t twice_rank = 2 * first + tied + 1;  // of the mean of ranks first + 1 ... first + tied
    for (std::size_t i = first; i < first + tied; ++i) {
      pairs[i] = pairs[i] << 32U | twice_rank;
    }
  });
  radix_sort(pairs);
  double covariance = 0;
  const auto twice_mean = static_cast<std::int64_t>(pairs.size() + 1);
  for_each_tie(pairs, [&](std::size_t first, std::size_t tied) {
    second_variance -= tie_term(tied);
    std::int64_t about_mean = 0;
    for (std::size_t i = first; i < first + tied; ++i) {
      about_mean += static_cast<std::int64_t>(pairs[i] & 0xFFFFFFFFU) - twice_mean;
    }
    const auto twice_rank = static_cast<std::int64_t>(2 * first + tied + 1);
    covariance += static_cast<double>(about_mean) * static_cast<double>(twice_rank - twice_mean) / 4;
  });
  // Rounding leaves something of the variance of pairs that are all alike.
  const double least = 1e-12 * count * count * count;
  return first_variance > least && second_variance > least ? covariance / std::sqrt(first_variance * second_variance)
                                                           : 0;
}

}  // namespace

double Device::correlate_pairs(ConstView x, ConstView y, const std::function<void()>& checkpoint) {
  const std::size_t n = x.rows();
  if (n < 2) {
    return 0;
  }
  Pairs pairs(n * (n - 1) / 2);
  std::uint64_t* next = pairs.data();
  const std::size_t block = std::clamp<std::size_t>((std::size_t{1} << 21U) / n, 16, 4096);
  for (std::size_t first = 0; first < n; first += block) {
    checkpoint();
    const std::size_t rows = std::min(block, n - first);
    const std::size_t cols = n - first;
    const Matrix of_x = scratch(rows, cols);
    const Matrix of_y = scratch(rows, cols);
    multiply(1, x.rows(first, rows), Op::none, x.rows(first, cols), Op::transpose, 0, of_x);
    multiply(1, y.rows(first, rows), Op::none, y.rows(first, cols), Op::transpose, 0, of_y);
    const auto values = read({of_x, of_y});
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = i + 1; j < cols; ++j) {
        *next++ = key_of(values[0][i * cols + j]) << 32U | key_of(values[1][i * cols + j]);
      }
    }
  }
  checkpoint();
  return spearman(pairs);
}

}  // namespace itm
