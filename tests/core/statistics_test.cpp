// Errors of statistics against their closed forms, quantiles against tables.

#include "core/statistics.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Jackknife, OfAMeanIsTheStandardErrorOfTheMean) {
  const std::vector<double> values{3, 1, 4, 1, 5, 9, 2, 6};
  std::vector<double> without;
  for (std::size_t g = 0; g < values.size(); ++g) {
    std::vector<double> rest = values;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(g));
    without.push_back(*itm::mean_of(rest));
  }
  EXPECT_NEAR(itm::jackknife_error(without), *itm::standard_deviation_of(values) / std::sqrt(8.0), 1e-14);
}

TEST(BinomialError, IsNeverZero) {
  EXPECT_DOUBLE_EQ(itm::binomial_error(0.5, 100), 0.05);
  EXPECT_GT(itm::binomial_error(1, 100), 0);
  EXPECT_DOUBLE_EQ(itm::binomial_error(1, 100), itm::binomial_error(0, 100));
}

TEST(NormalQuantile, IsThatOfTheTables) {
  EXPECT_NEAR(itm::normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(itm::normal_quantile(0.975), 1.959963984540054, 1e-9);
  EXPECT_NEAR(itm::normal_quantile(0.001), -3.090232306167813, 1e-9);
  EXPECT_NEAR(itm::normal_quantile(0.02), -2.053748910631823, 1e-9);
}

TEST(NormalScore, IsSymmetricAndBestFirst) {
  EXPECT_NEAR(itm::normal_score(1, 5), 1.1797611176118603, 1e-9);
  EXPECT_NEAR(itm::normal_score(3, 5), 0, 1e-12);
  EXPECT_NEAR(itm::normal_score(1, 5), -itm::normal_score(5, 5), 1e-12);
}

}  // namespace
