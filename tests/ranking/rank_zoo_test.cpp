#include <gtest/gtest.h>

#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>

#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "made_array.hpp"
#include "made_zoo.hpp"
#include "report/details_json.hpp"

namespace {

using itm::RankOptions;
using itm::RankReport;
using itm::testing::made_data;
using itm::testing::MadeData;
using itm::testing::TemporaryFolder;
using itm::testing::write_entry;
using itm::testing::write_small_zoo;

RankOptions short_run() {
  RankOptions options;
  options.itm.iterations = 60;
  options.itm.batch_size = 32;
  options.itm.validate_every = 20;
  return options;
}

RankReport rank(const TemporaryFolder& folder, const RankOptions& options) {
  return itm::rank_zoo(itm::discover_zoo(folder.path()), options);
}

nlohmann::json details(const itm::ScoredModel& model) { return itm::to_json(model.details); }

TEST(RankZoo, PutsTheSeparableModelFirst) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  const RankReport report = rank(folder, short_run());
  ASSERT_EQ(report.results.size(), 1U);
  const itm::RankedDataset& result = report.results.front();
  EXPECT_EQ(result.dataset, "made");
  EXPECT_EQ(result.method, "itm");
  ASSERT_EQ(result.models.size(), 3U);
  EXPECT_EQ(result.models[0].model, "good");
  EXPECT_EQ(result.models[2].model, "poor");
  EXPECT_EQ(result.models[0].rank, 1);
  EXPECT_GT(result.models[0].seconds, 0);
}

TEST(RankZoo, TheNameOfAFileChangesNothing) {
  const TemporaryFolder folder;
  const MadeData data = made_data(150, 16, 5, 0.25, 2);
  for (const char* name : {"a", "resnet50", "vit_b16", "zz"}) {
    write_entry(folder.path(), name, "made", data);
  }
  for (const char* method : {"itm", "lead", "linear_probe", "nleep"}) {
    RankOptions options = short_run();
    options.method = method;
    const RankReport report = rank(folder, options);
    for (const auto& model : report.results[0].models) {
      EXPECT_EQ(model.score, report.results[0].models[0].score) << method << " of " << model.model;
      EXPECT_EQ(model.rank, 1) << method;
    }
  }
}

TEST(RankZoo, AnchorsTheRatesAtTheMeanDispersion) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  double base = 0;
  const RankReport report = rank(folder, short_run());
  for (const auto& model : report.results[0].models) {
    base += details(model)["dispersion"].get<double>() / 3;
  }
  for (const auto& model : report.results[0].models) {
    const auto d = details(model);
    EXPECT_NEAR(d["eta"].get<double>(), itm::adaptive_rate(0.5, base, d["dispersion"].get<double>()), 1e-12);
  }
  RankOptions fixed = short_run();
  fixed.itm.adaptive = false;
  const RankReport constant = rank(folder, fixed);
  for (const auto& model : constant.results[0].models) {
    EXPECT_EQ(details(model)["eta"].get<double>(), 0.5);
  }
}

TEST(RankZoo, ThreadsDeterminismIsBitwise) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  write_small_zoo(folder.path(), "second");
  RankOptions options = short_run();
  options.repeats = 2;
  const RankReport one = rank(folder, options);
  options.threads = 4;
  const RankReport four = rank(folder, options);
  ASSERT_EQ(one.results.size(), four.results.size());
  for (std::size_t r = 0; r < one.results.size(); ++r) {
    for (std::size_t m = 0; m < one.results[r].models.size(); ++m) {
      EXPECT_EQ(one.results[r].models[m].model, four.results[r].models[m].model);
      EXPECT_EQ(one.results[r].models[m].score, four.results[r].models[m].score);
      EXPECT_EQ(one.results[r].models[m].tie_break, four.results[r].models[m].tie_break);
      EXPECT_EQ(one.results[r].models[m].details, four.results[r].models[m].details);
    }
  }
}

TEST(RankZoo, RepeatsAverageSuccessiveSeeds) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  RankOptions options = short_run();
  options.repeats = 2;
  options.seed = 7;
  const RankReport both = rank(folder, options);
  options.repeats = 1;
  const RankReport first = rank(folder, options);
  options.seed = 8;
  const RankReport second = rank(folder, options);
  const auto score = [](const RankReport& report, const std::string& model) {
    for (const auto& m : report.results[0].models) {
      if (m.model == model) {
        return m.score;
      }
    }
    return std::numeric_limits<double>::quiet_NaN();
  };
  for (const char* model : {"good", "fair", "poor"}) {
    EXPECT_DOUBLE_EQ(score(both, model), (score(first, model) + score(second, model)) / 2);
  }
}

TEST(RankZoo, CancellationThrowsInterrupted) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  RankOptions options = short_run();
  options.cancelled = [] { return true; };
  EXPECT_THROW((void)rank(folder, options), itm::Interrupted);
}

MadeData with_nan_rows() {
  MadeData data = made_data(150, 24, 5, 1.0, 1);
  data.values[3 * 24] = std::numeric_limits<float>::quiet_NaN();
  data.values[77 * 24 + 5] = std::numeric_limits<float>::infinity();
  return data;
}

TEST(RankZoo, BadRowsAreRefusedUnlessDropped) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  write_entry(folder.path(), "good", "made", with_nan_rows());
  try {
    (void)rank(folder, short_run());
    FAIL() << "a NaN was accepted";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("good_made_feature.npy: row 3 is NaN (2 of 150 rows)"), std::string::npos)
        << error.what();
  }
  RankOptions dropping = short_run();
  dropping.drop_bad_rows = true;
  const RankReport report = rank(folder, dropping);
  EXPECT_EQ(report.results[0].models[0].model, "good");
  EXPECT_EQ(details(report.results[0].models[0])["dropped_rows"], 2);
}

TEST(RankZoo, KeepGoingRanksTheOthers) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  write_entry(folder.path(), "broken", "made", with_nan_rows());
  MadeData other_labels = made_data(150, 24, 5, 1.0, 1);
  std::swap(other_labels.labels.values[0], other_labels.labels.values[1]);
  write_entry(folder.path(), "shuffled", "made", other_labels);
  EXPECT_THROW((void)rank(folder, short_run()), itm::InputError);

  RankOptions options = short_run();
  options.keep_going = true;
  const RankReport report = rank(folder, options);
  ASSERT_EQ(report.results[0].models.size(), 3U);
  ASSERT_EQ(report.failures.size(), 2U);
  EXPECT_EQ(report.failures[0].model, "shuffled");
  EXPECT_NE(report.failures[0].message.find("labels differ from"), std::string::npos);
  EXPECT_EQ(report.failures[1].model, "broken");
  EXPECT_NE(report.failures[1].message.find("row 3 is NaN"), std::string::npos);
}

TEST(RankZoo, KeepGoingWithNothingLeftIsAnError) {
  const TemporaryFolder folder;
  write_entry(folder.path(), "broken", "made", with_nan_rows());
  RankOptions options = short_run();
  options.keep_going = true;
  EXPECT_THROW((void)rank(folder, options), itm::InputError);
}

TEST(RankZoo, UnknownMethodNamesTheKnownOnes) {
  try {
    (void)itm::find_estimator("logmee");
    FAIL() << "an unknown method was found";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("itm"), std::string::npos);
  }
}

/// Threads that have no model of their own help with the products of the one there is: the same bits.
TEST(RankDeterminism, OneModelAloneHasTheSameScoreOnAnyNumberOfThreads) {
  const itm::testing::MadeData data = itm::testing::made_data(1500, 600, 5, 0.3, 9);
  itm::Dataset made("made", data.labels.values);
  made.add("model", data.array());
  for (const char* method : {"logme", "hscore", "transrate", "sfda", "knn"}) {
    RankOptions options;
    options.method = method;
    const RankReport alone = itm::rank(made, options);
    options.threads = 4;
    const RankReport together = itm::rank(made, options);
    EXPECT_EQ(together.results[0].models[0].score, alone.results[0].models[0].score) << method;
  }
}

}  // namespace
