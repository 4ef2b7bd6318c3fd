#include "itm/verify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "check/rounding_spread.hpp"
#include "itm/dataset.hpp"
#include "made_zoo.hpp"

namespace {

TEST(Verify, Float32StaysWithinToleranceOfFloat64) {
  const itm::testing::TemporaryFolder folder;
  itm::testing::write_small_zoo(folder.path());
  itm::ItmOptions options;
  options.iterations = 120;
  options.batch_size = 32;
  const itm::VerifyReport report =
      itm::verify_dataset(itm::discover_zoo(folder.path()), "made", options, itm::Precision::float32, 2);
  EXPECT_TRUE(report.within);
  EXPECT_TRUE(report.same_ranking);
  EXPECT_EQ(report.reference_order.front(), "good");
  ASSERT_EQ(report.stages.size(), 13U) << "nine first-iteration stages, parameters after 1, 10, 100, and the score";
  for (const itm::StageDeviation& stage : report.stages) {
    EXPECT_TRUE(stage.worst.within) << stage.worst.name << " " << stage.worst.frobenius << " in " << stage.model;
  }
  EXPECT_GT(report.stages[0].worst.frobenius, 0.0) << "the two precisions do differ";
}

TEST(Verify, Float64AgainstItselfIsExact) {
  const itm::testing::TemporaryFolder folder;
  itm::testing::write_small_zoo(folder.path());
  itm::ItmOptions options;
  options.iterations = 10;
  const itm::VerifyReport report =
      itm::verify_dataset(itm::discover_zoo(folder.path()), "made", options, itm::Precision::float64, 1);
  for (const itm::StageDeviation& stage : report.stages) {
    EXPECT_EQ(stage.worst.absolute, 0.0) << stage.worst.name;
  }
  EXPECT_EQ(report.reference_order, report.other_order);
  EXPECT_EQ(report.place.backend, "cpu");
  EXPECT_EQ(report.place.precision, "float64");
  EXPECT_NE(report.place.device.find("OpenBLAS"), std::string::npos) << report.place.device;
}

TEST(Verify, AnyOtherMethodIsComparedByItsDetails) {
  const itm::testing::TemporaryFolder folder;
  itm::testing::write_small_zoo(folder.path());
  const itm::VerifyReport report =
      itm::verify_method(itm::discover_zoo(folder.path()), "made", {}, "transrate", nullptr);
  EXPECT_TRUE(report.within);
  EXPECT_EQ(report.method, "transrate");
  EXPECT_EQ(report.place.backend, "cpu") << "without an engine";
  std::vector<std::string> names;
  for (const itm::StageDeviation& stage : report.stages) {
    names.push_back(stage.worst.name);
    EXPECT_EQ(stage.worst.absolute, 0.0) << stage.worst.name;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"score", "classes", "dims", "rows", "transrate_class_rate", "transrate_rate"}));
}

TEST(Verify, RoundingMovesNoScoreThatFollowsIt) {
  const itm::testing::TemporaryFolder folder;
  itm::testing::write_small_zoo(folder.path());
  const itm::Zoo zoo = itm::discover_zoo(folder.path());
  itm::RankOptions options;
  options.method = "logme";
  options.jackknife = 0;
  const std::vector<itm::ScoredModel> before = itm::rank_zoo(zoo, options).results.at(0).models;
  const auto draws = itm::scores_after_rounding(zoo, "made", options, {"good"});
  ASSERT_GT(draws.size(), 1U);
  const auto good = std::find_if(before.begin(), before.end(), [](const auto& m) { return m.model == "good"; });
  for (const std::vector<itm::ScoredModel>& after : draws) {
    ASSERT_EQ(after.size(), 1U);
    EXPECT_NEAR(after[0].score, good->score, 1e-12);
    EXPECT_NE(after[0].score, good->score) << "nothing was changed";
  }
}

TEST(Verify, RoundingMovesAScoreThatATieDecides) {
  // The row in the middle is as far from one class as from the other.
  const std::vector<double> line{-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 0};
  const std::vector<std::int32_t> labels{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0};
  itm::Dataset dataset("line", std::span<const std::int32_t>(labels));
  dataset.add("m", itm::view(line.data(), line.size(), 1));
  itm::RankOptions options;
  options.method = "knn";
  options.jackknife = 0;
  std::set<double> seen;
  for (const std::vector<itm::ScoredModel>& after : itm::scores_after_rounding(dataset.zoo(), "line", options, {"m"})) {
    seen.insert(after.at(0).score);
  }
  EXPECT_GT(seen.size(), 1U);
}

}  // namespace
