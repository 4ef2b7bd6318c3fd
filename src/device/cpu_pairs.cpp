#include "device/cpu_pairs.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/page_allocator.hpp"
#include "core/simd.hpp"
#include "linalg/blas.hpp"

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

/// Calls use(keys, count) with the keys of (i, i + 1), (i, i + 2), ... for every row i; rows are multiplied in blocks
/// so that the correlations stay in the cache.
template <typename Use>
void for_each_row_of_keys(ConstView x, ConstIndexView index, const Use& use) {
  const std::size_t n = x.rows();
  const std::size_t block = std::clamp<std::size_t>((std::size_t{1} << 16U) / std::max<std::size_t>(n, 1), 16, 128);
  PageVector<double> correlations(std::min(block, n) * n);
  std::vector<std::uint32_t> keys(n);
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t rows = std::min(block, n - first);
    const std::size_t cols = n - first;
    const double* from = x.data() + first * x.stride();
    blas::gemm(Op::none, Op::transpose, rows, cols, x.cols(), 1.0, from, x.stride(), from, x.stride(), 0.0,
               correlations.data(), cols);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::int32_t* right = index.data() + first + i + 1;
      make_keys(correlations.data() + i * cols + i + 1, right, right[-1], keys.data(), cols - i - 1);
      use(keys.data(), cols - i - 1);
    }
  }
}

/// The sorted distances within classes, each class multiplied on its own.
PageVector<std::uint32_t> same_class_distances(ConstView x, ConstIndexView index) {
  std::vector<std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const auto c = static_cast<std::size_t>(index.data()[i]);
    members.resize(std::max(members.size(), c + 1));
    members[c].push_back(i);
  }
  PageVector<std::uint32_t> distances;
  PageVector<double> rows;
  for (const std::vector<std::size_t>& mine : members) {
    rows.resize(mine.size() * x.cols());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      std::copy_n(x.data() + mine[i] * x.stride(), x.cols(), rows.data() + i * x.cols());
    }
    std::vector<std::int32_t> alike(mine.size());
    const ConstView of_class(rows.data(), mine.size(), x.cols(), x.cols());
    const ConstIndexView one_label(alike.data(), 1, alike.size(), alike.size());
    for_each_row_of_keys(of_class, one_label, [&](const std::uint32_t* keys, std::size_t count) {
      for (std::size_t j = 0; j < count; ++j) {
        distances.push_back(keys[j] >> 1U);
      }
    });
  }
  radix_sort(distances);
  return distances;
}

double number_of_pairs(std::size_t rows) { return static_cast<double>(rows) * (static_cast<double>(rows) - 1) / 2; }

}  // namespace

PairRanks rank_pairs_by_sorting(ConstView x, ConstIndexView index) {
  PageVector<std::uint32_t> keys(static_cast<std::size_t>(number_of_pairs(x.rows())));
  std::uint32_t* end_of_keys = keys.data();
  for_each_row_of_keys(x, index, [&](const std::uint32_t* row, std::size_t count) {
    end_of_keys = std::copy_n(row, count, end_of_keys);
  });
  radix_sort(keys);
  PairRanks result;
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

PairRanks rank_pairs_by_counting(ConstView x, ConstIndexView index) {
  // Bins so many that few hold same-class distances; 1 MB, which a second-level cache has.
  constexpr unsigned bin_shift = 13;  // of 31 bits
  constexpr std::size_t bins = std::size_t{1} << (31U - bin_shift);
  constexpr unsigned coarse_shift = 15;
  constexpr std::size_t sampled = 16;  // one key in so many is counted for the bound on ties
  PageVector<std::uint32_t> same = same_class_distances(x, index);
  const auto all_same = static_cast<std::uint32_t>(same.size());
  same.push_back(~std::uint32_t{0});  // ends every search
  // Per bin: the number of same-class distances in lower ones, and in the lowest bit whether it holds any itself.
  std::vector<std::uint32_t> lower(bins + 1);
  for (std::size_t i = 0; i < all_same; ++i) {
    ++lower[(same[i] >> bin_shift) + 1];
  }
  std::uint32_t total = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    total += lower[bin];
    lower[bin] = total << 1U | (lower[bin + 1] > 0 ? 1U : 0U);
  }
  std::vector<std::uint32_t> histogram(std::size_t{1} << (31U - coarse_shift));

  // The rank of a same-class distance is its rank among its like, plus the other distances below it, plus half of those
  // that equal it. Summed over the same-class distances, every other one counts those above it and half its equals.
  // Here every distance of all is counted, twice; what the same-class ones count among themselves is their number
  // squared.
  std::uint64_t below = 0;
  std::vector<std::uint32_t> near(x.rows());  // distances in bins that hold same-class ones
  for_each_row_of_keys(x, index, [&](const std::uint32_t* keys, std::size_t count) {
    for (std::size_t j = 0; j < count; j += sampled) {
      ++histogram[keys[j] >> (coarse_shift + 1)];
    }
    std::size_t nears = 0;
    for (std::size_t j = 0; j < count; ++j) {  // no branches: which bins hold any cannot be foreseen
      const std::uint32_t distance = keys[j] >> 1U;
      const std::uint32_t bin = lower[distance >> bin_shift];
      below += 2 * (bin >> 1U);
      near[nears] = distance;
      nears += bin & 1U;
    }
    for (std::size_t j = 0; j < nears; ++j) {
      const std::uint32_t distance = near[j];
      const std::uint32_t* own = same.data() + (lower[distance >> bin_shift] >> 1U);
      for (; *own <= distance; ++own) {
        below += *own < distance ? 2U : 1U;
      }
    }
  });
  const double pairs = number_of_pairs(x.rows());
  const double twice = 2 * pairs * all_same - static_cast<double>(below) - static_cast<double>(all_same) * all_same;

  PairRanks result;
  result.pairs = pairs;
  result.same = static_cast<double>(all_same);
  result.same_rank_sum = result.same * (result.same + 1) / 2 + twice / 2;
  // Distances that are equal share a bin, so the bins' sizes bound the ties.
  double bound = 0;
#pragma omp simd reduction(+ : bound)
  for (std::size_t b = 0; b < histogram.size(); ++b) {
    const double size = histogram[b] * static_cast<double>(sampled);
    bound += size * size * size;
  }
  return bound < 1e-8 * result.pairs * result.pairs * result.pairs ? result : rank_pairs_by_sorting(x, index);
}

PairRanks rank_pairs(ConstView x, ConstIndexView index) {
  if (x.rows() < 2) {
    return {};
  }
  std::vector<double> sizes;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const auto c = static_cast<std::size_t>(index.data()[i]);
    sizes.resize(std::max(sizes.size(), c + 1));
    sizes[c] += 1;
  }
  double same = 0;
  for (const double size : sizes) {
    same += size * (size - 1) / 2;
  }
  // A few same-class distances per bin are quick to hold a key against.
  constexpr double worthwhile = 65536;
  const double pairs = number_of_pairs(x.rows());
  const bool few = pairs > 4 * worthwhile && same < 2 * worthwhile;
  return few ? rank_pairs_by_counting(x, index) : rank_pairs_by_sorting(x, index);
}

}  // namespace itm::cpu
