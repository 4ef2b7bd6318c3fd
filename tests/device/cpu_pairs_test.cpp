// The CPU's two ways to rank pairs of rows.

#include "device/cpu_pairs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "numbers.hpp"

namespace {

using itm::Device;
using itm::Matrix;
using itm::testing::Numbers;
using itm::testing::numbers;

/// Unit rows around class means, many classes: few same-class pairs.
std::pair<Matrix, std::vector<std::int32_t>> clustered_rows(Device& device, std::size_t rows, std::size_t classes) {
  constexpr std::size_t cols = 5;
  const Numbers noise = numbers(rows * cols, 21);
  const Numbers means = numbers(classes * cols, 22);
  Numbers x(rows * cols);
  std::vector<std::int32_t> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    labels[i] = static_cast<std::int32_t>(i * 7 % classes);
    for (std::size_t j = 0; j < cols; ++j) {
      x[i * cols + j] = noise[i * cols + j] + means[static_cast<std::size_t>(labels[i]) * cols + j];
    }
  }
  Matrix matrix = device.matrix_of(x, rows, cols);
  device.correlate_rows(matrix);
  return {matrix, labels};
}

TEST(CpuPairs, PairRanksByCountingAndBySortingAgree) {
  const auto owned = itm::make_cpu_device();
  Device& device = *owned;
  const auto [x, labels] = clustered_rows(device, 1000, 30);
  const auto index = device.index(labels);
  const itm::PairRanks sorted = itm::cpu::rank_pairs_by_sorting(x, index);
  const itm::PairRanks counted = itm::cpu::rank_pairs_by_counting(x, index);
  EXPECT_EQ(counted.pairs, sorted.pairs);
  EXPECT_EQ(counted.same, sorted.same);
  EXPECT_EQ(counted.same_rank_sum, sorted.same_rank_sum);
  EXPECT_LT(sorted.ties, 1e-8 * std::pow(sorted.pairs, 3));
  EXPECT_EQ(counted.ties, 0) << "sorted after all";
}

TEST(CpuPairs, PairRanksByCountingSeesTiesThatMatter) {
  const auto owned = itm::make_cpu_device();
  Device& device = *owned;
  // Rows of two kinds only: distances take two values.
  Numbers x(300 * 3);
  std::vector<std::int32_t> labels(300);
  for (std::size_t i = 0; i < 300; ++i) {
    x[i * 3 + i % 2] = 1;
    labels[i] = static_cast<std::int32_t>(i % 60);
  }
  const Matrix matrix = device.matrix_of(x, 300, 3);
  device.correlate_rows(matrix);
  const auto index = device.index(labels);
  const itm::PairRanks sorted = itm::cpu::rank_pairs_by_sorting(matrix, index);
  const itm::PairRanks counted = itm::cpu::rank_pairs_by_counting(matrix, index);
  EXPECT_GT(sorted.ties, 0.1 * std::pow(sorted.pairs, 3));
  EXPECT_EQ(counted.ties, sorted.ties);
  EXPECT_EQ(counted.same_rank_sum, sorted.same_rank_sum);
}

}  // namespace
