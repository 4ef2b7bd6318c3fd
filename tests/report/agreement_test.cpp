// Rank correlations against scipy and against direct evaluations of eq. 1, then properties that hold for any data.

#include "itm/agreement.hpp"
#include "json_file.hpp"
#include "paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace itm {
namespace {

using Vector = std::vector<double>;

nlohmann::json golden_cases() {
  return testing::read_json(testing::test_data() + "/rank_correlation.json").at("cases");
}

void expect_equal(std::optional<double> got, const nlohmann::json& want, const std::string& what) {
  if (want.is_string()) {
    EXPECT_EQ(want.get<std::string>(), "nan");
    EXPECT_FALSE(got.has_value()) << what;
    return;
  }
  ASSERT_TRUE(got.has_value()) << what;
  EXPECT_NEAR(*got, want.get<double>(), 1e-12) << what;
}

TEST(Agreement, EqualsTheGoldenReferences) {
  const nlohmann::json cases = golden_cases();
  ASSERT_EQ(cases.size(), 19U);
  for (const auto& c : cases) {
    const auto name = c.at("name").get<std::string>();
    const auto pred = c.at("pred").get<Vector>();
    const Agreement got = measure_agreement(pred, pred, c.at("gt").get<Vector>());
    expect_equal(got.tau_w, c.at("itm_eq1_average_ranks_DIRECT"), name + ": eq. 1");
    expect_equal(got.tau_w_scipy, c.at("weightedtau_default"), name + ": weightedtau");
    expect_equal(got.kendall, c.at("kendalltau_b"), name + ": tau-b");
    expect_equal(got.spearman, c.at("spearmanr"), name + ": Spearman");
    expect_equal(got.pearson, c.at("pearsonr"), name + ": Pearson");
  }
}

TEST(Agreement, TiesTakeTheAverageOfTheRanksTheySpan) {
  EXPECT_EQ(average_ranks_descending(Vector{10, 30, 20, 20, 5, 20}), (Vector{5, 1, 3, 3, 6, 3}));
  EXPECT_EQ(average_ranks_descending(Vector{7, 7}), (Vector{1.5, 1.5}));
  EXPECT_TRUE(average_ranks_descending(Vector{}).empty());
}

TEST(Agreement, EquationOneByHand) {
  // Truth ranks 1, 2, 3; the scores swap the last two. Weights 1/3, 1/4, 1/5: (1/3 + 1/4 - 1/5) / (1/3 + 1/4 + 1/5).
  EXPECT_NEAR(*weighted_tau(Vector{9, 1, 2}, Vector{90, 80, 70}),
              (1. / 3 + 1. / 4 - 1. / 5) / (1. / 3 + 1. / 4 + 1. / 5), 1e-15);
}

/// Vectors with many ties.
class AnyData : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    random_.seed(static_cast<unsigned>(GetParam()));
    const std::size_t models = 2 + random_() % 40;
    const auto levels = 2 + random_() % 30;
    for (std::size_t i = 0; i < models; ++i) {
      score_.push_back(static_cast<double>(random_() % levels) - 7);
      truth_.push_back(static_cast<double>(random_() % levels));
    }
    score_[0] = -8;  // never constant
    truth_[0] = -1;
  }
  std::mt19937 random_;
  Vector score_;
  Vector truth_;
};

using AgreementMeasure = std::function<std::optional<double>(const Vector&, const Vector&)>;
const std::vector<std::pair<const char*, AgreementMeasure>> measures{
    {"eq. 1", weighted_tau}, {"weightedtau", weighted_tau_scipy}, {"tau-b", kendall_tau_b}, {"Spearman", spearman_rho},
    {"Pearson", pearson_r},
};

TEST_P(AnyData, PermutingTheModelsChangesNothing) {
  std::vector<std::size_t> order(score_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random_);
  Vector score;
  Vector truth;
  for (const std::size_t i : order) {
    score.push_back(score_[i]);
    truth.push_back(truth_[i]);
  }
  for (const auto& [name, measure] : measures) {
    EXPECT_NEAR(*measure(score, truth), *measure(score_, truth_), 1e-12) << name;
  }
  for (std::size_t k = 1; k <= score.size(); ++k) {
    EXPECT_EQ(rel_at_k(score, truth, k), rel_at_k(score_, truth_, k));
  }
}

TEST_P(AnyData, NegatingTheScoresNegatesTheMeasure) {
  Vector reversed = score_;
  std::transform(reversed.begin(), reversed.end(), reversed.begin(), std::negate<>());
  for (const auto& [name, measure] : measures) {
    if (std::string_view(name) != "weightedtau") {  // scipy weighs by the ranks of the scores too
      EXPECT_NEAR(*measure(reversed, truth_), -*measure(score_, truth_), 1e-12) << name;
    }
  }
}

TEST_P(AnyData, EveryMeasureLiesBetweenMinusOneAndOne) {
  for (const auto& [name, measure] : measures) {
    EXPECT_LE(std::abs(*measure(score_, truth_)), 1.0) << name;
  }
}

TEST_P(AnyData, OnlyTheOrderMattersToRankCorrelations) {
  Vector stretched = score_;
  std::transform(stretched.begin(), stretched.end(), stretched.begin(), [](double v) { return std::exp(v / 4) - 100; });
  for (const auto& [name, measure] : measures) {
    if (std::string_view(name) != "Pearson") {
      EXPECT_EQ(*measure(stretched, truth_), *measure(score_, truth_)) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyData, ::testing::Range(0, 10));

TEST(Agreement, OneModelIsUndefined) {
  const Agreement one = measure_agreement(Vector{1}, Vector{1}, Vector{50}, {100, 0.95, 0});
  EXPECT_FALSE(one.tau_w || one.tau_w_scipy || one.kendall || one.spearman || one.pearson || one.tau_w_interval);
  EXPECT_EQ(one.rel_at_1, 1.0);
  const Agreement none = measure_agreement({}, {}, {});
  EXPECT_FALSE(none.tau_w || none.tau_w_scipy || none.kendall || none.spearman || none.pearson || none.rel_at_1);
}

TEST(Agreement, TheOrderDecidesRanksAndTheScoreDecidesPearson) {
  const Vector score{0.5, 0.5, 0.4};
  const Vector order{-1, -2, -3};  // the tie is broken
  const Vector truth{90, 80, 70};
  const Agreement agreement = measure_agreement(score, order, truth);
  EXPECT_EQ(agreement.tau_w, 1.0);
  EXPECT_EQ(agreement.spearman, 1.0);
  EXPECT_NEAR(*agreement.pearson, std::sqrt(3.0) / 2, 1e-12);
}

TEST(Agreement, PearsonSurvivesHugeAndTinyNumbers) {
  EXPECT_NEAR(*pearson_r(Vector{-1e308, 0, 1e308}, Vector{1e-308, 2e-308, 3e-308}), 1.0, 1e-12);
}

TEST(RelAtK, TakesTheWorstOfATie) {
  const Vector score{3, 3, 1};
  const Vector truth{80, 40, 100};
  EXPECT_EQ(rel_at_k(score, truth, 1), 0.4);
  EXPECT_EQ(rel_at_k(score, truth, 2), 0.8);
  EXPECT_EQ(rel_at_k(score, truth, 3), 1.0);
  EXPECT_EQ(rel_at_k(score, truth, 9), 1.0);
}

TEST(RelAtK, IsUndefinedWithoutAPositiveTruth) {
  EXPECT_FALSE(rel_at_k(Vector{1, 2}, Vector{0, 0}, 1));
  EXPECT_FALSE(rel_at_k(Vector{1, 2}, Vector{1, 2}, 0));
}

TEST(Bootstrap, HoldsTheEstimateAndNarrowsWithLessConfidence) {
  const nlohmann::json noisy = golden_cases().at(4);
  ASSERT_EQ(noisy.at("name"), "noisy_n30");
  const auto score = noisy.at("pred").get<Vector>();
  const auto truth = noisy.at("gt").get<Vector>();
  const Agreement wide = measure_agreement(score, score, truth, {2000, 0.95, 1});
  const Agreement narrow = measure_agreement(score, score, truth, {2000, 0.5, 1});
  ASSERT_TRUE(wide.tau_w_interval && narrow.tau_w_interval);
  EXPECT_LT(wide.tau_w_interval->low, narrow.tau_w_interval->low);
  EXPECT_LT(narrow.tau_w_interval->low, *wide.tau_w);
  EXPECT_LT(*wide.tau_w, narrow.tau_w_interval->high);
  EXPECT_LT(narrow.tau_w_interval->high, wide.tau_w_interval->high);
}

TEST(Bootstrap, IsTheSameForTheSameSeedAndDiffersForAnother) {
  const Vector score{1, 5, 2, 4, 3, 7, 6};
  const Vector truth{10, 40, 30, 50, 20, 60, 70};
  const auto interval = [&](std::uint64_t seed) {
    return measure_agreement(score, score, truth, {500, 0.95, seed}).tau_w_interval.value();
  };
  EXPECT_EQ(interval(3).low, interval(3).low);
  EXPECT_EQ(interval(3).high, interval(3).high);
  EXPECT_NE(interval(3).low, interval(4).low);
}

TEST(Bootstrap, APerfectRankingStaysPerfect) {
  // Copies of one model in a resample are no evidence of a tie.
  const Vector truth{10, 20, 30, 40, 50};
  const auto interval = measure_agreement(truth, truth, truth, {300, 0.95, 0}).tau_w_interval.value();
  EXPECT_EQ(interval.low, 1.0);
  EXPECT_EQ(interval.high, 1.0);
}

TEST(Bootstrap, ResamplingEqualsEquationOneOnTheDistinctModels) {
  // With two models every defined resample holds both, and eq. 1 of a swapped pair is -1.
  const auto interval =
      measure_agreement(Vector{1, 2}, Vector{1, 2}, Vector{50, 40}, {50, 0.95, 0}).tau_w_interval.value();
  EXPECT_EQ(interval.low, -1.0);
  EXPECT_EQ(interval.high, -1.0);
}

TEST(Agreement, TenThousandModelsAreInstant) {
  std::mt19937 random(7);
  Vector score(10000);
  Vector truth(10000);
  std::generate(score.begin(), score.end(), [&] { return static_cast<double>(random()); });
  std::transform(score.begin(), score.end(), truth.begin(),
                 [&](double v) { return v + static_cast<double>(random()) / 2; });
  const auto start = std::chrono::steady_clock::now();
  const Agreement agreement = measure_agreement(score, score, truth);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_GT(*agreement.tau_w, 0.5);
  EXPECT_NEAR(*agreement.spearman, 0.9, 0.1);
  RecordProperty("seconds", std::to_string(seconds));
#ifndef ITM_SANITIZED
  EXPECT_LT(seconds, 10.0);
#endif
}

}  // namespace
}  // namespace itm
