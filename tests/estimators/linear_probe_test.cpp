// The linear classifier against scikit-learn, its folds, and the probe's score.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "estimators/made_case.hpp"
#include "itm/error.hpp"
#include "numerics/class_rows.hpp"
#include "numerics/linear_classifier.hpp"
#include "paths.hpp"

namespace itm {
namespace {

using testing::details_of;
using testing::labels_of;
using testing::MadeCase;

constexpr double many = 2000;  // iterations: as far as the tolerance goes

RankOptions probe_options(double folds, double iterations = many) {
  RankOptions options;
  options.seed = 3;
  options.settings = {{"linear_probe-folds", folds}, {"linear_probe-iterations", iterations}};
  return options;
}

TEST(LinearClassifier, HasTheCoefficientsOfScikitLearn) {
  const auto reference = testing::probe_reference()["classifier_wide"];
  const Labels labels = testing::any_labels(testing::test_data() + "/probes/wide_label.npy");
  ZooEntry entry;
  entry.feature.file = testing::test_data() + "/probes/wide_feature.npy";
  const auto device = testing::device_under_test();
  const RankOptions options;
  const DatasetTask task{"wide", {}, labels};
  const ModelInput input(*device, find_estimator("linear_probe"), options, task, entry, 0);
  const Matrix x = classifier_rows(input, {});
  const RowRange all{0, input.rows()};
  const LinearClassifier fitted = fit_linear_classifier(*device, x, input.class_rows(), std::span(&all, 1), 1.0,
                                                        {.iterations = 1000, .tolerance = 1e-8});
  EXPECT_TRUE(fitted.fit.converged);
  std::vector<double> weights = device->read(fitted.weights);
  const std::size_t width = fitted.weights.cols();
  const double mean = (weights[width - 1] + weights[2 * width - 1] + weights[3 * width - 1]) / 3;
  for (std::size_t c = 0; c < 3; ++c) {
    weights[(c + 1) * width - 1] -= mean;  // intercepts have a free constant
    for (std::size_t d = 0; d < width; ++d) {
      EXPECT_NEAR(weights[c * width + d], reference[c][d].get<double>(), 1e-7) << c << ", " << d;
    }
  }
}

TEST(LinearClassifier, RangesLeaveOutTheRowsBetweenThem) {
  const auto device = testing::device_under_test();
  // A third row that contradicts the first lies between the ranges.
  const Matrix x = device->matrix_of(std::vector<double>{1, 1, 1, 1, -1, 1, 1, 1, -1, 1}, 5, 2);
  const std::vector<std::int32_t> label{0, 0, 0, 1, 1};
  const std::vector<std::int32_t> without_middle{0, 0, 1, 1};
  const RowRange around[] = {{0, 2}, {3, 2}};
  const Matrix joined = device->matrix_of(std::vector<double>{1, 1, 1, 1, 1, 1, -1, 1}, 4, 2);
  const RowRange whole{0, 4};
  const LbfgsOptions tight{.tolerance = 1e-10};
  const auto a = fit_linear_classifier(*device, x, device->classes(device->index(label), 2), around, 1, tight);
  const auto b = fit_linear_classifier(*device, joined, device->classes(device->index(without_middle), 2),
                                       std::span(&whole, 1), 1, tight);
  const auto left = device->read(a.weights);
  const auto right = device->read(b.weights);
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_NEAR(left[i], right[i], 1e-9);
  }
}

TEST(LinearProbe, EqualsScikitLearnFoldByFold) {
  const auto reference = testing::probe_reference();
  for (const std::string& name : testing::reference_cases) {
    const auto& want = reference[name]["linear_probe"];
    const ScoredModel scored = testing::score_reference_case(name, "linear_probe", probe_options(5));
    const auto details = details_of(scored);
    EXPECT_NEAR(scored.score, want["score"].get<double>(), 1e-12) << name;
    for (std::size_t f = 0; f < 5; ++f) {
      EXPECT_NEAR(details["linear_probe_fold_accuracy"][f].get<double>(), want["fold_accuracy"][f].get<double>(), 1e-12)
          << name << " fold " << f;
    }
    EXPECT_NEAR(details["linear_probe_log_loss"].get<double>(), want["log_loss"].get<double>(), 1e-3) << name;
    EXPECT_EQ(details["linear_probe_folds_converged"], 5) << name;
    EXPECT_EQ(scored.tie_break, -details["linear_probe_log_loss"].get<double>());
  }
}

TEST(StratifiedFolds, ShareOutEveryClassEvenly) {
  std::vector<std::int32_t> values;
  for (const auto& [label, count] : {std::pair{0, 23}, {1, 7}, {2, 3}}) {
    values.insert(values.end(), static_cast<std::size_t>(count), label);
  }
  const Labels labels = labels_of(values);
  const auto folds = stratified_folds(labels, 5, 1);
  std::vector<std::uint32_t> all;
  for (const auto& rows : folds) {
    all.insert(all.end(), rows.begin(), rows.end());
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    EXPECT_GE(rows.size(), 6U);
    EXPECT_LE(rows.size(), 7U);
    for (std::int32_t c = 0; c < 3; ++c) {
      const auto members = std::count_if(rows.begin(), rows.end(), [&](auto row) { return labels.values[row] == c; });
      const auto size = std::count(values.begin(), values.end(), c);
      EXPECT_GE(members, size / 5);
      EXPECT_LE(members, size / 5 + 1);
    }
  }
  std::sort(all.begin(), all.end());
  std::vector<std::uint32_t> expected(values.size());
  std::iota(expected.begin(), expected.end(), 0U);
  EXPECT_EQ(all, expected);
  EXPECT_NE(stratified_folds(labels, 5, 2), folds);
  EXPECT_EQ(stratified_folds(labels, 5, 1), folds);
}

TEST(LinearProbe, PutsTheSeparableModelFirst) {
  const MadeCase good(testing::made_data(150, 12, 5, 1.0, 1));
  const MadeCase poor(testing::made_data(150, 12, 5, 0.1, 1));
  EXPECT_GT(good.score("linear_probe", probe_options(5)).score, 0.9);
  EXPECT_LT(poor.score("linear_probe", probe_options(5)).score, 0.5);
}

TEST(LinearProbe, FloatProductsChangeTheLossInTheSixthDigit) {
  const MadeCase made(testing::made_data(200, 16, 4, 0.5, 1));
  RankOptions options = probe_options(5);
  const auto exact = details_of(made.score("linear_probe", options));
  options.arithmetic = Precision::float32;
  const auto fast = details_of(made.score("linear_probe", options));
  EXPECT_NEAR(fast["linear_probe_log_loss"].get<double>() / exact["linear_probe_log_loss"].get<double>(), 1, 1e-3);
}

TEST(LinearProbe, ConstantFeaturesPredictTheLargestClass) {
  std::vector<std::int32_t> label(40, 0);
  std::fill(label.begin(), label.begin() + 10, 1);
  const MadeCase made(std::vector<float>(80, 2.0F), 2, labels_of(label));
  EXPECT_NEAR(made.score("linear_probe", probe_options(5)).score, 0.75, 1e-12);
}

TEST(LinearProbe, MoreFoldsThanRowsAreRefusedInOneSentence) {
  const MadeCase made(testing::made_data(12, 3, 3, 1, 1));
  try {
    (void)made.score("linear_probe", probe_options(13));
    FAIL() << "13 folds of 12 rows";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("12 rows, which cannot be cut into 13 folds"), std::string::npos)
        << error.what();
  }
}

TEST(LinearProbe, StopsWhenThePersonWantsTo) {
  const MadeCase made(testing::made_data(60, 3, 3, 1, 1));
  RankOptions options = probe_options(5);
  int calls = 0;
  options.cancelled = [&] { return ++calls > 20; };
  EXPECT_THROW((void)made.score("linear_probe", options), Interrupted);
}

}  // namespace
}  // namespace itm
