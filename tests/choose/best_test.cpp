// Which model is the best in one outcome.

#include "choose/best.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace itm::choose {
namespace {

/// scipy.stats.t(4).sf(sqrt(2) t)
TEST(Best, TheTailIsStudentsOfUnitVariance) {
  EXPECT_NEAR(tail_beyond(-3), 0.9933822002181587, 1e-14);
  EXPECT_NEAR(tail_beyond(-1), 0.8849001794597506, 1e-14);
  EXPECT_NEAR(tail_beyond(0), 0.5, 1e-15);
  EXPECT_NEAR(tail_beyond(0.5), 0.2592592592592591, 1e-14);
  EXPECT_NEAR(tail_beyond(2), 0.023710327792159758, 1e-14);
  EXPECT_NEAR(tail_beyond(6), 0.0005287823079153098, 1e-14);
}

TEST(Best, EachModelIsHeldAgainstTheBestOfTheOthers) {
  const std::vector<double> own{0.5, -1, 2};
  const std::vector<double> noise{0.4, 0.2, 0.1};
  const std::vector<double> centre{0.3, 0.9, 0.1};
  std::vector<double> quality;
  for (std::size_t i = 0; i < 3; ++i) {
    quality.push_back(centre[i] + noise[i] * own[i]);
  }
  ASSERT_GT(quality[1], quality[0]);
  std::vector<double> p(3, 0);
  add_best(quality, noise, own.data(), p);
  EXPECT_NEAR(p[0], tail_beyond((quality[1] - centre[0]) / noise[0]), 1e-14);
  EXPECT_NEAR(p[1], tail_beyond((quality[0] - centre[1]) / noise[1]), 1e-14);
  EXPECT_NEAR(p[2], tail_beyond((quality[1] - centre[2]) / noise[2]), 1e-14);
}

TEST(Best, AKnownModelIsTheBestOrNot) {
  std::vector<double> p(2, 0);
  const std::vector<double> own{0, 0};
  add_best({1, 0.5}, {0, 0.1}, own.data(), p);
  EXPECT_EQ(p[0], 1);
  add_best({0.2, 0.5}, {0, 0.1}, own.data(), p);
  EXPECT_EQ(p[0], 1);
}

}  // namespace
}  // namespace itm::choose
