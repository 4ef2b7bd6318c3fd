#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "itm/error.hpp"
#include "itm/itm.hpp"

namespace {

itm::Labels made_labels(std::size_t rows, std::size_t classes) {
  itm::Labels labels;
  labels.classes = classes;
  for (std::size_t i = 0; i < rows; ++i) {
    labels.values.push_back(static_cast<std::int32_t>(i % classes));
  }
  return labels;
}

TEST(Plan, SplitsFourToOneWithoutOverlap) {
  const itm::ItmPlan plan = itm::make_plan(made_labels(103, 4), {});
  EXPECT_EQ(plan.validation.size(), 20U);
  EXPECT_EQ(plan.train.size(), 83U);
  std::set<std::uint32_t> all(plan.train.begin(), plan.train.end());
  all.insert(plan.validation.begin(), plan.validation.end());
  EXPECT_EQ(all.size(), 103U);
  EXPECT_EQ(*all.rbegin(), 102U);
}

TEST(Plan, BatchesWalkTheTrainingRowsEpochByEpoch) {
  itm::ItmOptions options;
  options.batch_size = 30;
  options.iterations = 10;  // 300 draws from 80 rows: three full epochs and a part
  const itm::ItmPlan plan = itm::make_plan(made_labels(100, 5), options);
  ASSERT_EQ(plan.batch, 30U);
  ASSERT_EQ(plan.batches.size(), 300U);
  std::vector<std::uint32_t> sorted_train = plan.train;
  std::sort(sorted_train.begin(), sorted_train.end());
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    const auto start = plan.batches.begin() + static_cast<std::ptrdiff_t>(epoch * 80);
    std::vector<std::uint32_t> seen(start, start + 80);
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, sorted_train) << "epoch " << epoch;
  }
  EXPECT_FALSE(std::equal(plan.batches.begin(), plan.batches.begin() + 80, plan.batches.begin() + 80))
      << "epochs are shuffled anew";
}

TEST(Plan, BatchIsCutToTheTrainingRows) {
  itm::ItmOptions options;
  options.batch_size = 4096;
  options.iterations = 3;
  const itm::ItmPlan plan = itm::make_plan(made_labels(50, 5), options);
  EXPECT_EQ(plan.batch, 40U);
  EXPECT_EQ(plan.batches.size(), 120U);
}

TEST(Plan, IsAFunctionOfTheSeed) {
  itm::ItmOptions options;
  options.iterations = 5;
  const itm::Labels labels = made_labels(200, 4);
  const itm::ItmPlan a = itm::make_plan(labels, options);
  const itm::ItmPlan b = itm::make_plan(labels, options);
  EXPECT_EQ(a.train, b.train);
  EXPECT_EQ(a.batches, b.batches);
  options.seed = 1;
  const itm::ItmPlan c = itm::make_plan(labels, options);
  EXPECT_NE(a.validation, c.validation);
  EXPECT_NE(a.batches, c.batches);
}

TEST(InitialParameters, AreUniformInOneOverRootFanIn) {
  const itm::ItmParameters p = itm::initial_parameters(100, 16, 3);
  ASSERT_EQ(p.psi_w.size(), 1600U);
  ASSERT_EQ(p.psi_b.size(), 16U);
  ASSERT_EQ(p.head_w.size(), 256U);
  ASSERT_EQ(p.head_b.size(), 16U);
  const auto [low, high] = std::minmax_element(p.psi_w.begin(), p.psi_w.end());
  EXPECT_GE(*low, -0.1);
  EXPECT_LE(*high, 0.1);
  EXPECT_LT(*low, -0.098);
  EXPECT_GT(*high, 0.098);
  EXPECT_NEAR(std::accumulate(p.psi_w.begin(), p.psi_w.end(), 0.0) / 1600, 0.0, 0.006);
  EXPECT_LE(*std::max_element(p.head_w.begin(), p.head_w.end()), 0.25);
  EXPECT_GT(*std::max_element(p.head_w.begin(), p.head_w.end()), 0.23);
}

TEST(InitialParameters, AreKeyedBySeedParameterRowAndColumn) {
  const itm::ItmParameters a = itm::initial_parameters(8, 8, 0);
  EXPECT_EQ(a.psi_w, itm::initial_parameters(8, 8, 0).psi_w);
  EXPECT_NE(a.psi_w, itm::initial_parameters(8, 8, 1).psi_w);
  const itm::ItmParameters wide = itm::initial_parameters(32, 8, 0);
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t col = 0; col < 8; ++col) {
      EXPECT_DOUBLE_EQ(2 * wide.psi_w[row * 32 + col], a.psi_w[row * 8 + col]) << "shared, but for the root of D";
    }
  }
  EXPECT_NE(a.psi_w, a.head_w);
  EXPECT_NE(a.psi_b, a.head_b);
}

TEST(AdaptiveRate, FollowsEquation12) {
  EXPECT_DOUBLE_EQ(itm::adaptive_rate(0.5, 20, 20), 0.5);
  EXPECT_DOUBLE_EQ(itm::adaptive_rate(0.5, 20, 40), 0.75) << "twice the anchor's distance: half the gap is left";
  EXPECT_DOUBLE_EQ(itm::adaptive_rate(0.5, 20, 5), 0.0) << "clamped";
  EXPECT_DOUBLE_EQ(itm::adaptive_rate(0.3, 20, 0), 0.3) << "no dispersion: nothing to adapt";
}

TEST(ItmOptions, NameTheOptionThatIsOutOfRange) {
  const auto refused = [](auto change) {
    itm::ItmOptions options;
    change(options);
    try {
      options.validate();
    } catch (const itm::InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused([](auto& o) { o.eta = 1.5; }).find("--eta is 1.5; it must be between 0 and 1"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.batch_size = 0; }).find("--batch-size"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.iterations = 0; }).find("--iterations"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.steps = 0; }).find("--steps"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.pull_weight = -1; }).find("--pull-weight"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.dispersion_base = 0.0; }).find("--dispersion-base"), std::string::npos);
  EXPECT_EQ(refused([](auto&) {}), "");
}

}  // namespace
