// From a spec to units: no unit that differs from another only in what its method does not read.

#include <gtest/gtest.h>

#include "made_sweep.hpp"
#include "paths.hpp"

namespace itm::testing {
namespace {

class Plan : public ::testing::Test {
 protected:
  Plan() {
    write_small_zoo(folder_.path(), "first");
    write_small_zoo(folder_.path(), "second");
    spec_.zoo = folder_.path();
  }
  std::string refused() {
    return refusal([&] { (void)plan_sweep(spec_); });
  }
  std::vector<std::string> units() {
    std::vector<std::string> keys;
    for (const SweepUnit& unit : plan_sweep(spec_).units) {
      EXPECT_EQ(unit.index, keys.size());
      keys.push_back(unit.key);
    }
    return keys;
  }
  TemporaryFolder folder_;
  SweepSpec spec_;
};

/// 10^8 units would take 60 GB before the first of them ran, and 10^30 more than there is.
TEST_F(Plan, OfFarTooManyUnitsIsRefusedWithTheirNumberBeforeItIsBuilt) {
  std::vector<SettingValue> values;
  for (int i = 1; i <= 10'000; ++i) {
    values.emplace_back(static_cast<double>(i));
  }
  spec_.settings = {{"batch-size", values}, {"iterations", values}};
  EXPECT_EQ(refused(), "the sweep has 100,000,000 units or more, beyond the 1,000,000 of one sweep; split the spec");
  std::vector<SettingValue> rates;
  for (int i = 1; i <= 10'000; ++i) {
    rates.emplace_back(i / 10'000.0);
  }
  spec_.settings = {{"batch-size", values}, {"iterations", values}, {"validate-every", values},
                    {"steps", values},      {"eta", rates},         {"learning-rate", rates},
                    {"seed", values}};
  EXPECT_EQ(refused(), "the sweep has 1e+28 units or more, beyond the 1,000,000 of one sweep; split the spec");
}

TEST_F(Plan, IsTheCrossProductDataSetByDataSetTheFirstSettingSlowest) {
  spec_.settings = {{"eta", {0.25, 0.5}}, {"batch-size", {64.0, 128.0}}};
  EXPECT_EQ(units(), (std::vector<std::string>{
                         R"({"dataset":"first","method":"itm","settings":{"batch-size":64,"eta":0.25}})",
                         R"({"dataset":"first","method":"itm","settings":{"batch-size":128,"eta":0.25}})",
                         R"({"dataset":"first","method":"itm","settings":{"batch-size":64,"eta":0.5}})",
                         R"({"dataset":"first","method":"itm","settings":{"batch-size":128,"eta":0.5}})",
                         R"({"dataset":"second","method":"itm","settings":{"batch-size":64,"eta":0.25}})",
                         R"({"dataset":"second","method":"itm","settings":{"batch-size":128,"eta":0.25}})",
                         R"({"dataset":"second","method":"itm","settings":{"batch-size":64,"eta":0.5}})",
                         R"({"dataset":"second","method":"itm","settings":{"batch-size":128,"eta":0.5}})"}));
}

TEST_F(Plan, RunsAMethodOncePerCombinationOfWhatItReads) {
  spec_.datasets = {"second"};
  spec_.methods = {"logme", "itm", "lead"};
  spec_.settings = {{"seed", {0.0, 1.0}}, {"eta", {0.5}}, {"lead-eta", {1.0, 2.0}}, {"variant", {"exact"}}};
  EXPECT_EQ(units(),
            (std::vector<std::string>{
                R"({"dataset":"second","method":"logme","settings":{"variant":"exact"}})",
                R"({"dataset":"second","method":"itm","settings":{"eta":0.5,"seed":0}})",
                R"({"dataset":"second","method":"itm","settings":{"eta":0.5,"seed":1}})",
                R"({"dataset":"second","method":"lead","settings":{"lead-eta":1,"seed":0,"variant":"exact"}})",
                R"({"dataset":"second","method":"lead","settings":{"lead-eta":2,"seed":0,"variant":"exact"}})",
                R"({"dataset":"second","method":"lead","settings":{"lead-eta":1,"seed":1,"variant":"exact"}})",
                R"({"dataset":"second","method":"lead","settings":{"lead-eta":2,"seed":1,"variant":"exact"}})"}));
}

TEST_F(Plan, HashIsOfTheUnitsAlone) {
  spec_.settings = {{"eta", {0.25, 0.5}}};
  const std::string hash = plan_sweep(spec_).hash;
  TemporaryFolder elsewhere;
  write_small_zoo(elsewhere.path(), "first");
  write_small_zoo(elsewhere.path(), "second");
  SweepSpec moved = spec_;
  moved.zoo = elsewhere.path();
  EXPECT_EQ(plan_sweep(moved).hash, hash);
  spec_.settings = {{"eta", {0.25, 0.75}}};
  EXPECT_NE(plan_sweep(spec_).hash, hash);
}

TEST_F(Plan, AllMethodsLeavesOutThoseWithoutInputs) {
  spec_.methods = {"all"};
  std::set<std::string> methods;
  for (const SweepUnit& unit : plan_sweep(spec_).units) {
    methods.insert(unit.method);
  }
  EXPECT_EQ(methods.count("leep"), 0U) << "there are no source logits";
  EXPECT_EQ(methods.count("logme"), 1U);
  spec_.methods = {"leep"};
  EXPECT_PRED2(says, refused(), "fair of first: leep needs source logits");
}

TEST_F(Plan, OfTheExampleIsWhatItsPageSays) {
  const SweepPlan plan = plan_sweep(read_sweep_spec(testing::examples() + "/sweep.json"));
  EXPECT_EQ(plan.units.size(), 28U);
  EXPECT_TRUE(plan.truth);
}

TEST_F(Plan, RefusesWhatDoesNotExist) {
  spec_.datasets = {"third"};
  EXPECT_PRED2(says, refused(), "third");
  spec_.datasets.clear();
  spec_.methods = {"best"};
  EXPECT_PRED2(says, refused(), "there is no method 'best'");
  spec_.methods = {"logme"};
  spec_.settings = {{"eta", {0.5}}};
  EXPECT_PRED2(says, refused(), "the setting eta changes nothing for logme");
  spec_.methods = {"itm", "itm"};
  EXPECT_EQ(refused(), "methods: 'itm' stands there twice; name it once");
  spec_.methods = {"itm"};
  spec_.settings = {{"eta", {0.5, 0.5}}};
  EXPECT_EQ(refused(), "the setting eta: '0.5' stands there twice; name it once");
  spec_.settings = {{"eta", {0.5, 5.0}}};
  EXPECT_EQ(refused(), "eta: 5 is not a number from 0 to 1");
  spec_.settings.clear();
  spec_.truth = folder_ / "truth.csv";
  write_text(spec_.truth, "model,third\ngood,1\n");
  EXPECT_PRED2(says, refused(), "has no column for first, second; it has third");
}

TEST_F(Plan, EstimateFollowsTheWork) {
  spec_.settings = {{"iterations", {100.0}}};
  const SweepEstimate small = estimate_sweep(plan_sweep(spec_), {});
  spec_.settings = {{"iterations", {1000.0}}};
  const SweepEstimate large = estimate_sweep(plan_sweep(spec_), {});
  EXPECT_GT(large.seconds / small.seconds, 8);
  EXPECT_LT(large.seconds / small.seconds, 10) << "the survey comes once";
  EXPECT_GT(large.memory, small.memory);
  EXPECT_FALSE(large.from_journal);
}

TEST_F(Plan, EstimateKnowsThatASampleIsLessWork) {
  spec_.methods = {"logme"};
  const SweepEstimate all = estimate_sweep(plan_sweep(spec_), {});
  spec_.settings = {{"rows", {15.0}}};
  EXPECT_LT(estimate_sweep(plan_sweep(spec_), {}).seconds, all.seconds);
}

}  // namespace
}  // namespace itm::testing
