// TransRate against numpy, and properties of the coding rate.

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "estimators/made_case.hpp"

namespace itm {
namespace {

using testing::labels_of;
using testing::made_data;
using testing::MadeCase;

RankOptions transrate_options(const std::string& rows, Variant variant = Variant::published) {
  RankOptions options;
  options.variant = variant;
  options.settings = {{"transrate-rows", rows}};
  return options;
}

TEST(TransRate, EqualsTheReference) {
  const auto reference = testing::probe_reference();
  for (const std::string& name : testing::reference_cases) {
    for (const auto& [key, score] : reference[name]["transrate"].items()) {
      std::istringstream words(key);
      std::string rows;
      std::string variant;
      words >> rows >> variant;
      const RankOptions options = transrate_options(rows, variant == "exact" ? Variant::exact : Variant::published);
      const double want = score.get<double>();
      EXPECT_NEAR(testing::score_reference_case(name, "transrate", options).score, want, 1e-8 * std::abs(want))
          << name << " " << key;
    }
  }
}

TEST(TransRate, ColumnsOfZerosChangeNothingAlsoWhenTheyOutnumberTheRows) {
  const testing::MadeData data = made_data(60, 6, 3, 0.5, 1);
  constexpr std::size_t padded = 80;  // more than rows: the N x N side takes over
  std::vector<float> wide(data.rows * padded);
  for (std::size_t i = 0; i < data.rows; ++i) {
    std::copy_n(data.values.begin() + static_cast<std::ptrdiff_t>(i * data.dims), data.dims,
                wide.begin() + static_cast<std::ptrdiff_t>(i * padded));
  }
  const MadeCase narrow_case(data);
  const MadeCase wide_case(wide, padded, data.labels);
  for (const char* rows : {"raw", "unit"}) {
    EXPECT_NEAR(wide_case.score("transrate", transrate_options(rows)).score,
                narrow_case.score("transrate", transrate_options(rows)).score, 1e-9);
  }
}

TEST(TransRate, OfTwoPointsOnALine) {
  // Centred at -1 and 1: R = 1/2 log(1 + 1 / eps), and the same within each class.
  const MadeCase same({0, 2, 0, 2}, 1, labels_of({0, 0, 1, 1}));
  EXPECT_NEAR(same.score("transrate").score, 0, 1e-12);
  EXPECT_NEAR(testing::details_of(same.score("transrate"))["transrate_rate"].get<double>(), std::log1p(1e4) / 2, 1e-9);
}

TEST(TransRate, UnitRowsForgetTheScaleAndRawOnesDoNot) {
  testing::MadeData data = made_data(60, 6, 3, 0.5, 1);
  const MadeCase small(data);
  for (float& value : data.values) {
    value *= 8;
  }
  const MadeCase large(data);
  EXPECT_NEAR(large.score("transrate", transrate_options("unit")).score,
              small.score("transrate", transrate_options("unit")).score, 1e-9);
  EXPECT_GT(std::abs(large.score("transrate").score - small.score("transrate").score), 1e-5);
}

TEST(TransRate, ConstantFeaturesHaveNoRate) {
  const MadeCase made(std::vector<float>(36, 2.5F), 3, labels_of({0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_EQ(made.score("transrate").score, 0.0);
}

}  // namespace
}  // namespace itm
