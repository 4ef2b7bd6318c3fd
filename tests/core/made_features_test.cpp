#include "core/made_features.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

TEST(MadeFeatures, NoiseHasUnitVarianceAndClassesTheirSeparation) {
  const itm::MadeFeatures what{20'000, 8, 4, 0.5, 3, "m"};
  const std::vector<float> values = itm::make_features(what);
  ASSERT_EQ(values.size(), 160'000U);
  double between = 0;
  double within = 0;
  for (std::size_t c = 0; c < 4; ++c) {
    for (std::size_t d = 0; d < 8; ++d) {
      double sum = 0;
      double square = 0;
      for (std::size_t i = c; i < what.rows; i += 4) {
        sum += values[i * 8 + d];
        square += static_cast<double>(values[i * 8 + d]) * values[i * 8 + d];
      }
      const double mean = sum / 5000;
      between += mean * mean / 32;
      within += (square / 5000 - mean * mean) / 32;
    }
  }
  EXPECT_NEAR(within, 1.0, 0.02);
  EXPECT_NEAR(std::sqrt(between), 0.5, 0.2);
}

TEST(MadeFeatures, AreKeyedBySeedAndName) {
  EXPECT_EQ(itm::make_features({10, 3, 2, 1, 0, "a"}), itm::make_features({10, 3, 2, 1, 0, "a"}));
  EXPECT_NE(itm::make_features({10, 3, 2, 1, 0, "a"}), itm::make_features({10, 3, 2, 1, 0, "b"}));
  EXPECT_NE(itm::make_features({10, 3, 2, 1, 0, "a"}), itm::make_features({10, 3, 2, 1, 1, "a"}));
}

TEST(MadeLabels, GoRoundTheClasses) {
  const itm::Labels labels = itm::made_labels(7, 3);
  EXPECT_EQ(labels.classes, 3U);
  EXPECT_EQ(labels.values, (std::vector<std::int32_t>{0, 1, 2, 0, 1, 2, 0}));
}

}  // namespace
