// kNN: the search against a full one, the vote, and what equal rows do.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <sstream>

#include "estimators/made_case.hpp"
#include "numerics/nearest_rows.hpp"

namespace itm {
namespace {

using testing::labels_of;
using testing::MadeCase;

RankOptions knn_options(double k, const std::string& metric = "l2", Variant variant = Variant::published) {
  RankOptions options;
  options.variant = variant;
  options.settings = {{"knn-k", k}, {"knn-metric", metric}};
  return options;
}

TEST(Knn, EqualsAFullSearchInNumpy) {
  const auto reference = testing::probe_reference();
  for (const std::string& name : testing::reference_cases) {
    for (const auto& [key, score] : reference[name]["knn"].items()) {
      std::istringstream words(key);
      double k = 0;
      std::string metric;
      words >> k >> metric;
      EXPECT_NEAR(testing::score_reference_case(name, "knn", knn_options(k, metric)).score, score.get<double>(), 1e-9)
          << name << " " << key;
    }
  }
}

/// Points of a coarse grid: almost every distance occurs many times.
std::vector<float> grid_points(std::size_t rows, std::size_t dims, float origin) {
  std::mt19937 generator(3);
  std::vector<float> values(rows * dims);
  std::generate(values.begin(), values.end(), [&] { return origin + static_cast<float>(generator() % 4); });
  return values;
}

struct SearchCase {
  std::string name;
  float origin;
  Precision arithmetic;
};

class NearestRowsSearch : public ::testing::TestWithParam<SearchCase> {};

TEST_P(NearestRowsSearch, OrdersEqualDistancesByRowLikeAFullSearch) {
  constexpr std::size_t rows = 1300;  // more than a block of the CPU's
  constexpr std::size_t dims = 5;
  constexpr std::size_t count = 6;
  const std::vector<float> values = grid_points(rows, dims, GetParam().origin);
  std::vector<std::int32_t> label(rows);
  std::iota(label.begin(), label.end(), 0);
  std::transform(label.begin(), label.end(), label.begin(), [](std::int32_t i) { return i % 2; });
  const MadeCase made(values, dims, labels_of(label));

  RankOptions options;
  options.arithmetic = GetParam().arithmetic;
  const auto device = testing::device_under_test(options.arithmetic);
  const ZooEntry entry = made.entry();
  const DatasetTask task{"made", {}, made.labels()};
  const ModelInput input(*device, find_estimator("knn"), options, task, entry, 0);
  std::size_t seen = 0;
  for_each_neighbourhood(input, Metric::l2, count, [&](std::uint32_t row, std::span<const Neighbour> nearest) {
    std::vector<Neighbour> all(rows);
    for (std::uint32_t other = 0; other < rows; ++other) {
      double square = 0;
      for (std::size_t d = 0; d < dims; ++d) {
        const double gap = static_cast<double>(values[row * dims + d]) - static_cast<double>(values[other * dims + d]);
        square += gap * gap;
      }
      all[other] = {square, other};
    }
    std::stable_sort(all.begin(), all.end(), [](auto a, auto b) { return a.distance < b.distance; });
    ASSERT_EQ(nearest.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(nearest[i].row, all[i].row) << "neighbour " << i << " of row " << row;
      ASSERT_EQ(nearest[i].distance, all[i].distance);
    }
    ++seen;
  });
  EXPECT_EQ(seen, rows);
}

INSTANTIATE_TEST_SUITE_P(All, NearestRowsSearch,
                         ::testing::Values(SearchCase{"float64", 0, Precision::float64},
                                           SearchCase{"float32", 0, Precision::float32},
                                           SearchCase{"float32_far_from_the_origin", 5000, Precision::float32}),
                         [](const auto& one) { return one.param.name; });

TEST(Knn, CosineIgnoresLengthAndKeepsRowsOfZerosApart) {
  // Two directions in any length; the last two rows have none.
  const std::vector<float> values{1, 0, 2, 0.1F, 9, 0.2F, 0, 1, 0.1F, 3, 0.2F, 8, 0, 0, 0, 0};
  const MadeCase made(values, 2, labels_of({0, 0, 0, 1, 1, 1, 2, 2}));
  EXPECT_EQ(made.score("knn", knn_options(1, "cosine", Variant::exact)).score, 100.0);
  EXPECT_EQ(made.score("knn", knn_options(1, "l2", Variant::exact)).score, 100.0 * 6 / 8)
      << "by length, rows 0 and 3 are nearest to the origin";
}

TEST(Knn, VotesThatAllDifferCountOneByOne) {
  // Rows 0, 1 and 3 hear one right and one wrong voice, row 2 two wrong ones.
  const MadeCase made({0, 1, 2.1F, 3.3F}, 1, labels_of({0, 0, 1, 0}));
  EXPECT_EQ(made.score("knn", knn_options(2)).score, 100 * 1.5 / 4);
}

TEST(Knn, TheSmallestOfEquallyFrequentLabelsWins) {
  // Everybody asks everybody else: for the three rows of class 0 it is two against two.
  const MadeCase made({0, 1, 2, 3, 4}, 1, labels_of({0, 0, 1, 1, 0}));
  EXPECT_EQ(made.score("knn", knn_options(4)).score, 60.0);
}

TEST(Knn, ARowEqualToAnEarlierOneVotesForItselfOnlyAsPublished) {
  // Three pairs of equal rows with different labels: nobody's true neighbour is right.
  const std::vector<float> values{0, 0, 10, 10, 20, 20};
  const MadeCase made(values, 1, labels_of({0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(made.score("knn", knn_options(1, "l2", Variant::exact)).score, 0.0);
  EXPECT_EQ(made.score("knn", knn_options(1)).score, 50.0) << "the second of each pair is right about itself";
}

TEST(Knn, ConstantFeaturesAskTheFirstRows) {
  const std::vector<float> values(20, 1.5F);
  const MadeCase made(values, 2, labels_of({0, 1, 1, 1, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(made.score("knn", knn_options(1)).score, 70.0) << "the first is dropped, so row 1 speaks for all";
  EXPECT_EQ(made.score("knn", knn_options(1, "l2", Variant::exact)).score, 20.0)
      << "row 0 speaks for all others, and row 1 for row 0";
}

TEST(Knn, MoreNeighboursThanRowsAreAllOthers) {
  const testing::MadeData data = testing::made_data(12, 4, 3, 1, 1);
  const MadeCase made(data);
  const ScoredModel scored = made.score("knn", knn_options(50));
  EXPECT_EQ(testing::details_of(scored)["knn_k"], 11);
  EXPECT_EQ(scored.score, 0.0) << "three of one's own class against four of each other";
}

}  // namespace
}  // namespace itm
