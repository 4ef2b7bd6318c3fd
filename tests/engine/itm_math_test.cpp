#include "engine/itm_math.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace {

double relative_error(float got, double want) { return std::abs(static_cast<double>(got) - want) / std::abs(want); }

TEST(ItmMath, ExponentialIsAccurateBelowZero) {
  for (float x = 0; x > -87; x -= 0.0137F) {
    ASSERT_LT(relative_error(itm::math::exp_nonpositive(x), std::exp(static_cast<double>(x))), 2.5e-7) << x;
  }
  EXPECT_EQ(itm::math::exp_nonpositive(0.0F), 1.0F);
  EXPECT_LT(itm::math::exp_nonpositive(-1e30F), 1e-37F);
}

TEST(ItmMath, SquareRootIsAccurateOverAllMagnitudes) {
  for (float x = 1e-36F; x < 1e36F; x *= 1.37F) {
    ASSERT_LT(relative_error(itm::math::fast_sqrt(x), std::sqrt(static_cast<double>(x))), 2.5e-7) << x;
  }
  EXPECT_EQ(itm::math::fast_sqrt(0.0F), 0.0F);
}

TEST(ItmMath, DivisionIsAccurateOverAllMagnitudes) {
  for (float b = 1e-8F; b < 1e18F; b *= 1.37F) {
    ASSERT_LT(relative_error(itm::math::fast_divide(-0.7F, b), -static_cast<double>(0.7F) / b), 2.5e-7) << b;
  }
  EXPECT_EQ(itm::math::fast_divide(0.0F, 1e-8F), 0.0F);
}

TEST(ItmMath, CrossEntropyIsStableForHugeLogits) {
  std::vector<float> logits{1000.0F, 0.0F, -1000.0F};
  const float loss = itm::math::softmax_cross_entropy_row(logits.data(), 1, 0.5F, logits.size());
  EXPECT_FLOAT_EQ(loss, 1000.0F);
  EXPECT_FLOAT_EQ(logits[0], 0.5F);
  EXPECT_FLOAT_EQ(logits[1], -0.5F);
  EXPECT_NEAR(logits[2], 0.0F, 1e-30F);
}

TEST(ItmMath, AdamWTakesThePublishedFirstStep) {
  // First step from zero moments: p (1 - lr wd) - lr g / (|g| + eps).
  double p = 2;
  double g = -0.25;
  double m = 0;
  double v = 0;
  const double lr = 5e-3;
  itm::math::adamw<double>(&p, &g, &m, &v, 1, {1 - lr * 1e-2, lr / (1 - 0.9), 1 / std::sqrt(1 - 0.999)});
  EXPECT_NEAR(p, 2 * (1 - 5e-5) + lr * 0.25 / (0.25 + 1e-8), 1e-15);
}

/// Gradients over twelve orders of magnitude and exact zeros, several steps: float against the definition in double.
TEST(ItmMath, AdamWInFloatFollowsTheDefinition) {
  constexpr std::size_t count = 1001;
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  std::vector<double> p(count), m(count), v(count);
  std::vector<float> pf(count), mf(count), vf(count), g(count);
  for (std::size_t i = 0; i < count; ++i) {
    pf[i] = static_cast<float>(normal(generator));
    p[i] = static_cast<double>(pf[i]);
  }
  const double lr = 5e-3;
  for (int t = 1; t <= 5; ++t) {
    for (std::size_t i = 0; i < count; ++i) {
      g[i] =
          i % 10 == 0 ? 0.0F : static_cast<float>(normal(generator) * std::pow(10.0, static_cast<double>(i % 13) - 10));
      const double wide = static_cast<double>(g[i]);
      m[i] = 0.9 * m[i] + 0.1 * wide;
      v[i] = 0.999 * v[i] + 0.001 * wide * wide;
      p[i] = p[i] * (1 - lr * 1e-2) -
             lr / (1 - std::pow(0.9, t)) * m[i] / (std::sqrt(v[i]) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8);
    }
    itm::math::adamw<float>(pf.data(), g.data(), mf.data(), vf.data(), count,
                            {static_cast<float>(1 - lr * 1e-2), static_cast<float>(lr / (1 - std::pow(0.9, t))),
                             static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, t)))});
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_NEAR(static_cast<double>(pf[i]), p[i], 2e-6 * (1 + std::abs(p[i]))) << "parameter " << i;
  }
}

}  // namespace
