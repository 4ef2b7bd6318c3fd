// Which rows and classes are scored: leaving rows out by an option equals data that never had them.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "made_array.hpp"

namespace {

using itm::Dataset;
using itm::RankOptions;
using itm::RankReport;
using itm::testing::made_data;
using itm::testing::MadeData;

constexpr const char* methods[] = {"itm", "logme", "parc",      "knn",  "sfda",        "hscore",
                                   "gbc", "etran", "transrate", "lead", "linear_probe"};

RankOptions quick(const std::string& method) {
  RankOptions options;
  options.method = method;
  options.itm.iterations = 30;
  options.itm.batch_size = 32;
  return options;
}

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

}  // namespace
