// L-BFGS on functions whose minima are known.

#include "numerics/lbfgs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace itm {
namespace {

class Lbfgs : public ::testing::Test {
 protected:
  Matrix start(std::vector<double> values) { return device_->matrix_of(values, 1, values.size()); }
  LbfgsResult run(View x, const Objective& objective, LbfgsOptions options = {}) {
    return minimise(*device_, objective, x, options);
  }
  /// An objective on the host: f(x, g) writes g.
  Objective on_host(std::function<double(const std::vector<double>&, std::vector<double>&)> f) {
    return [this, f = std::move(f)](ConstView at, View gradient, View out) {
      std::vector<double> g(at.size());
      const double value = f(device_->read(at), g);
      device_->upload(g, gradient);
      device_->fill(out, value);
      values_.push_back(value);
    };
  }

  std::unique_ptr<Device> device_ = make_cpu_device();
  std::vector<double> values_;  ///< of all evaluations
};

/// sum_i i (x_i - i)^2 / 2.
double bowl(const std::vector<double>& x, std::vector<double>& g) {
  double value = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = static_cast<double>(i) + 1;
    g[i] = weight * (x[i] - weight);
    value += weight * (x[i] - weight) * (x[i] - weight) / 2;
  }
  return value;
}

double rosenbrock(const std::vector<double>& x, std::vector<double>& g) {
  const double valley = x[1] - x[0] * x[0];
  g[0] = -400 * x[0] * valley - 2 * (1 - x[0]);
  g[1] = 200 * valley;
  return 100 * valley * valley + (1 - x[0]) * (1 - x[0]);
}

TEST_F(Lbfgs, FindsTheBottomOfABowlInAboutAsManyStepsAsDimensions) {
  const Matrix x = start(std::vector<double>(8));
  const LbfgsResult result = run(x, on_host(bowl), {.tolerance = 1e-10});
  EXPECT_TRUE(result.converged);
  EXPECT_LT(result.iterations, 25U);
  const std::vector<double> found = device_->read(x);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], static_cast<double>(i) + 1, 1e-8);
  }
}

TEST_F(Lbfgs, TheShapeOfTheUnknownsDoesNotMatter) {
  const Matrix flat = start(std::vector<double>(8));
  const Matrix tall = device_->matrix(4, 2);
  const LbfgsResult one = run(flat, on_host(bowl));
  const LbfgsResult other = run(tall, on_host(bowl));
  EXPECT_EQ(one.iterations, other.iterations);
  const auto a = device_->read(flat);
  const auto b = device_->read(tall);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 1e-12);
  }
}

TEST_F(Lbfgs, FollowsRosenbrocksValley) {
  const Matrix x = start({-1.2, 1});
  const LbfgsResult result = run(x, on_host(rosenbrock), {.tolerance = 1e-9});
  EXPECT_TRUE(result.converged);
  EXPECT_LT(result.iterations, 60U);
  EXPECT_NEAR(device_->read(x)[0], 1, 1e-7);
  EXPECT_NEAR(device_->read(x)[1], 1, 1e-7);
  EXPECT_EQ(result.evaluations, values_.size());
}

/// The reads of the objective itself are those of on_host().
TEST_F(Lbfgs, ReadsOncePerEvaluation) {
  const Matrix x = start({-1.2, 1});
  const std::uint64_t before = device_->counts().waits;
  const LbfgsResult result = run(x, on_host(rosenbrock), {.tolerance = 1e-9});
  EXPECT_EQ(device_->counts().waits - before, 2 * result.evaluations);
  EXPECT_LT(static_cast<double>(result.evaluations), 1.6 * static_cast<double>(result.iterations));
}

TEST_F(Lbfgs, OneStepNeverRaisesTheValue) {
  double before = std::numeric_limits<double>::infinity();
  for (std::size_t steps = 0; steps < 30; ++steps) {
    const Matrix x = start({-1.2, 1});
    const LbfgsResult result = run(x, on_host(rosenbrock), {.iterations = steps, .tolerance = 0});
    EXPECT_EQ(result.iterations, steps);
    EXPECT_LT(result.value, before) << steps;
    before = result.value;
  }
}

TEST_F(Lbfgs, StepsBackWhereTheFunctionIsNotDefined) {
  // x - log(x), whose first full step from 0.01 leads to a negative number; the minimum is at 1.
  const Matrix x = start({0.01});
  const LbfgsResult result = run(x, on_host([](const auto& at, auto& g) {
                                   g[0] = 1 - 1 / at[0];
                                   return at[0] - std::log(at[0]);
                                 }),
                                 {.tolerance = 1e-9});
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(device_->read(x)[0], 1, 1e-8);
}

TEST_F(Lbfgs, StopsAtOnceInAMinimum) {
  const Matrix x = start({1, 2, 3});
  const LbfgsResult result = run(x, on_host(bowl));
  EXPECT_TRUE(result.converged);
  EXPECT_EQ(result.iterations, 0U);
  EXPECT_EQ(result.evaluations, 1U);
}

TEST_F(Lbfgs, EndsWhereTheDigitsEnd) {
  const Matrix x = start({-1.2, 1});
  const LbfgsResult result = run(x, on_host(rosenbrock), {.iterations = 10000, .tolerance = 0});
  EXPECT_LT(result.iterations, 200U);
  EXPECT_NEAR(device_->read(x)[0], 1, 1e-7);
}

TEST_F(Lbfgs, AFunctionWithoutMinimumEndsAfterTheIterations) {
  const Matrix x = start({0});
  const LbfgsResult result = run(x, on_host([](const auto& at, auto& g) {
                                   g[0] = -std::exp(-at[0]);
                                   return std::exp(-at[0]);
                                 }),
                                 {.iterations = 5, .tolerance = 0});
  EXPECT_EQ(result.iterations, 5U);
  EXPECT_FALSE(result.converged);
  EXPECT_LT(result.value, 0.05);
}

}  // namespace
}  // namespace itm
