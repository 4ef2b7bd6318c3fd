// Which rows and classes are scored: leaving rows out by an option equals data that never had them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "made_array.hpp"
#include "quick_options.hpp"
#include "session/row_selection.hpp"

namespace {

using itm::Dataset;
using itm::RankOptions;
using itm::RankReport;
using itm::testing::made_data;
using itm::testing::MadeData;
using itm::testing::quick;

constexpr const char* methods[] = {"itm", "logme", "parc",      "knn",  "sfda",        "hscore",
                                   "gbc", "etran", "transrate", "lead", "linear_probe"};

void expect_equal_scores(const RankReport& got, const RankReport& want, const std::string& method) {
  ASSERT_EQ(got.results[0].models.size(), want.results[0].models.size()) << method;
  for (std::size_t m = 0; m < got.results[0].models.size(); ++m) {
    EXPECT_EQ(got.results[0].models[m].model, want.results[0].models[m].model) << method;
    EXPECT_EQ(got.results[0].models[m].score, want.results[0].models[m].score) << method;
  }
}

/// 4 classes of 40 rows each, then 3 rows of a fifth and 1 of a sixth among them.
struct WithRareClasses {
  MadeData data = made_data(160, 12, 4, 0.8, 7);
  std::vector<std::int64_t> labels;
  std::vector<float> values;

  explicit WithRareClasses(float bad = 1) {
    for (std::size_t i = 0; i < data.rows; ++i) {
      if (i % 50 == 10) {  // rows 10, 60 and 110, and with row 60 one more
        append(std::vector<float>(data.dims, bad), 17);
        if (i == 60) {
          append(std::vector<float>(data.dims, 2), 99);
        }
      }
      const auto first = data.values.begin() + static_cast<std::ptrdiff_t>(i * data.dims);
      append({first, first + static_cast<std::ptrdiff_t>(data.dims)}, data.labels.values[i]);
    }
  }
  void append(const std::vector<float>& row, std::int64_t label) {
    values.insert(values.end(), row.begin(), row.end());
    labels.push_back(label);
  }
  [[nodiscard]] Dataset dataset() const {
    Dataset made("made", labels);
    made.add("model", itm::view(values.data(), labels.size(), data.dims));
    return made;
  }
};

TEST(RareClasses, LeftOutScoreAsIfTheyHadNeverBeenThere) {
  const WithRareClasses rare;
  Dataset plain("made", rare.data.labels.values);
  plain.add("model", itm::view(rare.data.values.data(), rare.data.rows, rare.data.dims));
  for (const char* method : methods) {
    RankOptions options = quick(method);
    options.drop_rare_classes = 5;
    const RankReport report = itm::rank(rare.dataset(), options);
    expect_equal_scores(report, itm::rank(plain, quick(method)), method);
    ASSERT_FALSE(report.results[0].remarks.empty());
    EXPECT_EQ(report.results[0].remarks[0],
              "2 of 6 classes with less than 5 rows were left out, 4 of 164 rows with them");
  }
}

TEST(RareClasses, AreRefusedWithoutTheOption) {
  try {
    (void)itm::rank(WithRareClasses().dataset(), quick("logme"));
    FAIL() << "a class of one row was ranked";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("class '99' has a single row; give it at least 2, or pass "
                        "--drop-rare-classes 2"),
              std::string::npos)
        << error.what();
  }
}

TEST(RareClasses, RowsThatAreLeftOutMayBeBad) {
  const WithRareClasses rare(std::numeric_limits<float>::quiet_NaN());
  Dataset plain("made", rare.data.labels.values);
  plain.add("model", itm::view(rare.data.values.data(), rare.data.rows, rare.data.dims));
  for (const bool drop_bad : {false, true}) {
    for (const char* method : {"itm", "logme", "knn"}) {
      RankOptions options = quick(method);
      options.drop_rare_classes = 5;
      options.drop_bad_rows = drop_bad;
      expect_equal_scores(itm::rank(rare.dataset(), options), itm::rank(plain, quick(method)), method);
    }
  }
}

TEST(RareClasses, BadRowsGoTooAndAreCounted) {
  WithRareClasses rare;
  rare.values[3 * rare.data.dims] = std::numeric_limits<float>::infinity();
  MadeData less = rare.data;
  less.values.erase(less.values.begin() + 3 * 12, less.values.begin() + 4 * 12);
  less.labels.values.erase(less.labels.values.begin() + 3);
  Dataset plain("made", less.labels.values);
  plain.add("model", itm::view(less.values.data(), less.rows - 1, less.dims));
  for (const char* method : {"itm", "logme", "knn"}) {
    RankOptions options = quick(method);
    options.drop_rare_classes = 5;
    options.drop_bad_rows = true;
    const RankReport report = itm::rank(rare.dataset(), options);
    expect_equal_scores(report, itm::rank(plain, quick(method)), method);
    EXPECT_EQ(report.results[0].models[0].details.number("dropped_rows"), 1) << method;
  }
}

TEST(RareClasses, TwoClassesMustBeLeft) {
  RankOptions options = quick("logme");
  options.drop_rare_classes = 41;
  try {
    (void)itm::rank(WithRareClasses().dataset(), options);
    FAIL() << "nothing was left to rank";
  } catch (const itm::InputError& error) {
    EXPECT_STREQ(error.what(), "made: 0 of 6 classes would be left by --drop-rare-classes 41; pass a smaller number");
  }
}

TEST(AnyLabels, ScoreAsTheSameClassesNumberedFromZero) {
  const MadeData data = made_data(120, 10, 3, 0.7, 5);
  std::vector<std::int64_t> odd;
  for (const std::int32_t y : data.labels.values) {
    odd.push_back(100 * y - 7);
  }
  Dataset plain("made", data.labels.values);
  Dataset gaps("made", odd);
  for (Dataset* dataset : {&plain, &gaps}) {
    dataset->add("model", itm::view(data.values.data(), data.rows, data.dims));
  }
  for (const char* method : methods) {
    const RankReport report = itm::rank(gaps, quick(method));
    expect_equal_scores(report, itm::rank(plain, quick(method)), method);
    ASSERT_FALSE(report.results[0].remarks.empty());
    EXPECT_EQ(report.results[0].remarks[0], "label -7 counts as a class; drop its rows where it means unlabelled");
  }
}

/// 3 classes of 200, 60 and 4 rows, and two models on them.
struct Unequal {
  MadeData data = made_data(264, 8, 2, 0.8, 11);
  MadeData other = made_data(264, 8, 2, 0.4, 12);
  std::vector<std::int64_t> labels;
  Unequal() {
    for (std::size_t i = 0; i < data.rows; ++i) {
      labels.push_back(i % 66 == 5 ? 2 : i % 22 < 5 ? 1 : 0);
    }
  }
  [[nodiscard]] RankReport rank(const RankOptions& options) const {
    Dataset made("made", labels);
    made.add("one", itm::view(data.values.data(), data.rows, data.dims));
    made.add("other", itm::view(other.values.data(), other.rows, other.dims));
    return itm::rank(made, options);
  }
};

TEST(SampledRows, AreAsManyAsAskedForAndSaySo) {
  RankOptions options = quick("logme");
  options.rows = 50;
  const itm::RankedDataset result = Unequal().rank(options).results.at(0);
  for (const itm::ScoredModel& model : result.models) {
    EXPECT_EQ(model.details.number("rows"), 50) << model.model;
    EXPECT_EQ(model.details.number("classes"), 3) << model.model;
  }
  ASSERT_FALSE(result.remarks.empty());
  EXPECT_EQ(result.remarks[0], "scored on 50 of 264 rows, the same for all models");
}

TEST(SampledRows, HoldTheShareOfEveryClassAndAtLeastTwoRows) {
  const Unequal data;
  itm::DatasetTask task{"made", {}, {std::vector<std::int32_t>(data.labels.begin(), data.labels.end()), 3}};
  std::vector<std::size_t> all(3);
  std::vector<std::size_t> sampled(3);
  for (const std::int32_t y : task.labels.values) {
    ++all[static_cast<std::size_t>(y)];
  }
  const std::vector<std::int32_t> before = task.labels.values;
  itm::sample_rows(task, 0, 50, 3);
  ASSERT_EQ(task.rows.size(), 50U);
  EXPECT_TRUE(std::is_sorted(task.rows.begin(), task.rows.end()));
  for (std::size_t i = 0; i < task.rows.size(); ++i) {
    EXPECT_EQ(task.labels.values[i], before[task.rows[i]]);
    ++sampled[static_cast<std::size_t>(task.labels.values[i])];
  }
  EXPECT_EQ(sampled[2], 2U);
  EXPECT_NEAR(static_cast<double>(sampled[1]), 50.0 * static_cast<double>(all[1]) / 264, 1.5);
  EXPECT_EQ(sampled[0] + sampled[1] + sampled[2], 50U);
}

TEST(SampledRows, DependOnTheSeedAndOnNothingElse) {
  const Unequal data;
  for (const char* method : methods) {
    RankOptions options = quick(method);
    options.rows = 60;
    const RankReport one = data.rank(options);
    options.threads = 2;
    expect_equal_scores(data.rank(options), one, method);
  }
  RankOptions options = quick("logme");
  options.rows = 60;
  const double first = data.rank(options).results[0].models[0].score;
  options.seed = 1;
  EXPECT_NE(data.rank(options).results[0].models[0].score, first);
}

TEST(SampledRows, MoreThanThereAreAreAll) {
  RankOptions options = quick("logme");
  const RankReport all = Unequal().rank(options);
  options.rows = 264;
  expect_equal_scores(Unequal().rank(options), all, "logme");
}

TEST(SampledRows, TooFewForTheClassesAreRefused) {
  RankOptions options = quick("logme");
  options.rows = 9;
  try {
    (void)Unequal().rank(options);
    FAIL() << "nine rows were ranked";
  } catch (const itm::InputError& error) {
    EXPECT_STREQ(error.what(), "made: 9 rows are too few for its 3 classes; pass --rows 10 or more");
  }
}

// ---- a time budget

/// Two made models of 4,000 rows.
itm::Zoo large_zoo(Dataset& dataset, const MadeData& data) {
  dataset.add("one", data.array());
  dataset.add("two", data.array());
  return dataset.zoo();
}

TEST(TimeBudget, TakesTheMostRowsThatTheCostAllows) {
  const MadeData data = made_data(4000, 16, 3, 1.0, 5);
  Dataset dataset("made", std::span<const std::int32_t>(data.labels.values));
  const itm::Zoo zoo = large_zoo(dataset, data);
  RankOptions options = quick("knn");
  const auto seconds = [&](std::size_t rows) {
    RankOptions sampled = options;
    sampled.rows = rows;
    const itm::Workload one = itm::workload_of(zoo.entries("made").front(), data.labels);
    return 2 * itm::find_estimator("knn").cost_of(one, sampled).seconds;
  };
  const double budget = seconds(1500);
  const std::size_t rows = itm::rows_within(zoo, options, budget);
  EXPECT_LE(seconds(rows), budget);
  EXPECT_GT(seconds(rows + 1), budget);
  options.threads = 2;
  EXPECT_GT(itm::rows_within(zoo, options, budget), rows) << "two threads take half as long";
}

TEST(TimeBudget, ThatIsEnoughForAllRowsTakesAll) {
  const MadeData data = made_data(4000, 16, 3, 1.0, 5);
  Dataset dataset("made", std::span<const std::int32_t>(data.labels.values));
  EXPECT_EQ(itm::rows_within(large_zoo(dataset, data), quick("knn"), 1e6), 0U);
}

TEST(TimeBudget, ThatIsTooSmallIsRefusedWithTheTimeThatFewRowsTake) {
  const MadeData data = made_data(4000, 16, 3, 1.0, 5);
  Dataset dataset("made", std::span<const std::int32_t>(data.labels.values));
  const itm::Zoo zoo = large_zoo(dataset, data);
  try {
    (void)itm::rows_within(zoo, quick("knn"), 1e-9);
    FAIL() << "a nanosecond was enough";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("100 rows, the least that says something"), std::string::npos)
        << error.what();
  }
}

}  // namespace
