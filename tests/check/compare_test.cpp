#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "itm/error.hpp"
#include "itm/verify.hpp"

namespace {

using itm::Measure;

const std::vector<double> want{1.0, -4.0, 0.0};

TEST(Compare, MeasuresAgainstTheLargestElementAndTheNorm) {
  const itm::Deviation d = itm::compare("x", std::vector{1.0, -4.0, 0.4}, want, Measure::relative, 0.1);
  EXPECT_DOUBLE_EQ(d.absolute, 0.4);
  EXPECT_DOUBLE_EQ(d.relative, 0.1);
  EXPECT_NEAR(d.frobenius, 0.4 / std::sqrt(17.0), 1e-15);
  EXPECT_TRUE(d.within);
}

TEST(Compare, TheMeasureDecides) {
  const std::vector got{1.0, -4.0, 0.4};
  EXPECT_FALSE(itm::compare("x", got, want, Measure::relative, 0.098).within);
  EXPECT_TRUE(itm::compare("x", got, want, Measure::frobenius, 0.098).within);
}

TEST(Compare, NanIsNeverWithin) {
  const std::vector got{1.0, std::numeric_limits<double>::quiet_NaN(), 0.0};
  EXPECT_FALSE(itm::compare("x", got, want, Measure::relative, 1e9).within);
}

TEST(Compare, ZeroReferenceFallsBackToTheAbsoluteDeviation) {
  EXPECT_DOUBLE_EQ(itm::compare("x", std::vector{0.0, 3.0}, std::vector{0.0, 0.0}, Measure::relative, 1).relative, 3.0);
}

TEST(Compare, RefusesDifferentShapes) {
  EXPECT_THROW((void)itm::compare("x", std::vector{1.0}, want, Measure::relative, 1), itm::InputError);
}

}  // namespace
