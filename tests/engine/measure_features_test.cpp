#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "itm/error.hpp"
#include "itm/itm.hpp"
#include "made_array.hpp"

namespace {

using itm::Standardise;
using itm::testing::made_data;
using itm::testing::MadeData;

struct Reference {
  std::vector<double> mean, deviation;
  double dispersion = 0;
};

/// Textbook two-pass statistics and the definition of dis in long double.
Reference reference(const MadeData& data) {
  Reference r;
  const std::size_t n = data.rows;
  for (std::size_t d = 0; d < data.dims; ++d) {
    long double mean = 0;
    for (std::size_t i = 0; i < n; ++i) {
      mean += data.values[i * data.dims + d];
    }
    mean /= static_cast<long double>(n);
    long double square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      square += (data.values[i * data.dims + d] - mean) * (data.values[i * data.dims + d] - mean);
    }
    r.mean.push_back(static_cast<double>(mean));
    r.deviation.push_back(static_cast<double>(std::sqrt(square / static_cast<long double>(n - 1))));
  }
  std::vector<long double> class_mean(data.labels.classes * data.dims);
  std::vector<long double> size(data.labels.classes);
  const auto standard = [&](std::size_t i, std::size_t d) {
    return (static_cast<long double>(data.values[i * data.dims + d]) - r.mean[d]) / std::max(r.deviation[d], 1e-6);
  };
  for (std::size_t i = 0; i < n; ++i) {
    const auto y = static_cast<std::size_t>(data.labels.values[i]);
    size[y] += 1;
    for (std::size_t d = 0; d < data.dims; ++d) {
      class_mean[y * data.dims + d] += standard(i, d);
    }
  }
  long double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto y = static_cast<std::size_t>(data.labels.values[i]);
    long double square = 0;
    for (std::size_t d = 0; d < data.dims; ++d) {
      const long double gap = standard(i, d) - class_mean[y * data.dims + d] / size[y];
      square += gap * gap;
    }
    total += std::sqrt(square);
  }
  r.dispersion = static_cast<double>(total / static_cast<long double>(n));
  return r;
}

void expect_matches_reference(const MadeData& data, double tolerance) {
  const Reference want = reference(data);
  const itm::FeatureStatistics got = itm::measure_features(data.array(), data.labels, Standardise::dim);
  for (std::size_t d = 0; d < data.dims; ++d) {
    EXPECT_NEAR(got.shift[d], want.mean[d], tolerance * (1 + std::abs(want.mean[d]))) << "column " << d;
    EXPECT_NEAR(got.scale[d] * std::max(want.deviation[d], 1e-6), 1.0, tolerance) << "column " << d;
  }
  EXPECT_NEAR(got.dispersion / want.dispersion, 1.0, tolerance);
}

TEST(MeasureFeatures, MatchesTheTwoPassReference) {
  for (const std::size_t dims : {1U, 7U, 64U, 130U}) {
    expect_matches_reference(made_data(211, dims, 5, 0.7, 1), 1e-12);
  }
}

TEST(MeasureFeatures, SurvivesALargeOffset) {
  MadeData data = made_data(300, 9, 3, 0.5, 2);
  for (float& v : data.values) {
    v += 30000.0F;
  }
  expect_matches_reference(data, 1e-11);
}

TEST(MeasureFeatures, SurvivesAnOutlier) {
  MadeData data = made_data(300, 9, 3, 0.5, 2);
  data.values[4] = 1e6F;
  expect_matches_reference(data, 1e-10);
}

TEST(MeasureFeatures, ConstantColumnIsCentredAndCounted) {
  MadeData data = made_data(40, 3, 2, 0.5, 3);
  for (std::size_t i = 0; i < data.rows; ++i) {
    data.values[i * 3 + 1] = 0.1F;
  }
  const auto got = itm::measure_features(data.array(), data.labels, Standardise::dim);
  EXPECT_EQ(got.constant_columns, 1U);
  EXPECT_DOUBLE_EQ(got.scale[1], 1e6) << "the deviation is floored at 1e-6";
  EXPECT_NEAR(got.shift[1], static_cast<double>(0.1F), 1e-15);
}

TEST(MeasureFeatures, GlobalUsesOneDeviationForAllColumns) {
  MadeData data = made_data(100, 4, 2, 0.0, 4);
  for (std::size_t i = 0; i < data.rows; ++i) {
    data.values[i * 4] *= 10.0F;
  }
  const auto dim = itm::measure_features(data.array(), data.labels, Standardise::dim);
  const auto global = itm::measure_features(data.array(), data.labels, Standardise::global);
  double pooled = 0;
  for (const double scale : dim.scale) {
    pooled += 1 / (scale * scale) / 4;
  }
  for (std::size_t d = 0; d < 4; ++d) {
    EXPECT_DOUBLE_EQ(global.shift[d], dim.shift[d]);
    EXPECT_NEAR(global.scale[d], 1 / std::sqrt(pooled), 1e-12);
  }
}

TEST(MeasureFeatures, NoneLeavesRowsAloneButMeasuresTheSameDispersion) {
  const MadeData data = made_data(100, 4, 2, 0.5, 5);
  const auto none = itm::measure_features(data.array(), data.labels, Standardise::none);
  EXPECT_EQ(none.shift, std::vector<double>(4, 0.0));
  EXPECT_EQ(none.scale, std::vector<double>(4, 1.0));
  EXPECT_EQ(none.dispersion, itm::measure_features(data.array(), data.labels, Standardise::dim).dispersion);
}

TEST(MeasureFeatures, SelectedRowsAloneCount) {
  const MadeData data = made_data(60, 5, 2, 0.5, 6);
  MadeData kept{{}, {}, 0, 5};
  kept.labels.classes = 2;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 3; i < 60; i += 2) {
    rows.push_back(i);
    kept.labels.values.push_back(data.labels.values[i]);
    kept.values.insert(kept.values.end(), data.values.begin() + i * 5, data.values.begin() + i * 5 + 5);
    kept.rows += 1;
  }
  kept.labels.values.front() = 0;  // both classes present
  const auto direct = itm::measure_features(kept.array(), kept.labels, Standardise::dim);
  const auto mapped = itm::measure_features(data.array(), kept.labels, Standardise::dim, rows);
  EXPECT_EQ(mapped.scale, direct.scale);
  EXPECT_EQ(mapped.dispersion, direct.dispersion);
}

std::string refusal(const MadeData& data) {
  try {
    (void)itm::measure_features(data.array(), data.labels, Standardise::dim);
  } catch (const itm::InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(MeasureFeatures, NamesTheRowThatIsNotFinite) {
  MadeData data = made_data(1500, 6, 3, 0.5, 7);
  data.values[1012 * 6 + 2] = std::numeric_limits<float>::quiet_NaN();
  data.values[1300 * 6] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal(data), "made.npy: row 1,012 is NaN (2 of 1,500 rows); extract it again or pass --drop-bad-rows");
  data.values[1012 * 6 + 2] = -std::numeric_limits<float>::infinity();
  EXPECT_NE(refusal(data).find("row 1,012 is infinite"), std::string::npos);
  EXPECT_EQ(itm::find_bad_rows(data.array()), (std::vector<std::uint32_t>{1012, 1300}));
}

TEST(MeasureFeatures, RefusesLabelsOfAnotherLength) {
  MadeData data = made_data(50, 2, 2, 0.5, 8);
  data.labels.values.pop_back();
  EXPECT_EQ(refusal(data), "made.npy: 50 rows, but there are 49 labels; extract features and labels together");
}

}  // namespace
