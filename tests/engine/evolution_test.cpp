// E_n of chosen rows against a reference written out in loops, and what it shows: classes part as ITM trains.

#include "engine/evolution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "made_array.hpp"

namespace itm {
namespace {

struct Made {
  testing::MadeData data;
  Array feature;
  FeatureStatistics statistics;
  ItmPlan plan;
  ItmParameters initial;
};

Made made(const ItmOptions& options, double separation = 0.4) {
  Made m;
  m.data = testing::made_data(200, 12, 5, separation, 11);
  m.feature = m.data.array();
  m.statistics = measure_features(m.feature, m.data.labels, options.standardise);
  m.plan = make_plan(m.data.labels, options);
  m.initial = initial_parameters(12, 5, 3);
  return m;
}

std::vector<ItmParameters> parameters_after(const Made& m, const ItmOptions& options, std::vector<std::size_t> at) {
  std::vector<ItmParameters> reached;
  ItmObserver observer;
  observer.parameter_iterations = std::move(at);
  observer.parameters = &reached;
  (void)run_itm(m.feature, m.statistics, m.plan, options, 0.5, m.initial, {}, observer);
  return reached;
}

/// E_n = (I - C)^n (Theta - Y) + Y with the B x B matrix C = eta / B Theta Theta^T, one sum at a time.
std::vector<double> evolved_by_hand(const Made& m, const ItmOptions& options, double eta, const ItmParameters& p,
                                    const std::vector<std::uint32_t>& chosen,
                                    const std::vector<std::int32_t>& targets) {
  const std::size_t b = chosen.size();
  const std::size_t c = m.plan.labels.classes;
  const std::size_t d = m.data.dims;
  std::vector<double> theta(b * c);
  for (std::size_t i = 0; i < b; ++i) {
    double square = 0;
    for (std::size_t k = 0; k < c; ++k) {
      double sum = p.psi_b[k];
      for (std::size_t j = 0; j < d; ++j) {
        const double x = (m.data.values[chosen[i] * d + j] - m.statistics.shift[j]) * m.statistics.scale[j];
        sum += x * p.psi_w[k * d + j];
      }
      theta[i * c + k] = sum;
      square += sum * sum;
    }
    for (std::size_t k = 0; k < c; ++k) {
      theta[i * c + k] /= std::sqrt(square);
    }
  }
  const auto y = [&](std::size_t i, std::size_t k) {
    return m.plan.centres[static_cast<std::size_t>(targets[i]) * c + k];
  };
  std::vector<double> r(b * c);
  for (std::size_t i = 0; i < b * c; ++i) {
    r[i] = theta[i] - y(i / c, i % c);
  }
  for (std::size_t step = 0; step < options.steps; ++step) {
    std::vector<double> next = r;
    for (std::size_t i = 0; i < b; ++i) {
      for (std::size_t j = 0; j < b; ++j) {
        double dot = 0;
        for (std::size_t k = 0; k < c; ++k) dot += theta[i * c + k] * theta[j * c + k];
        for (std::size_t k = 0; k < c; ++k) next[i * c + k] -= eta / static_cast<double>(b) * dot * r[j * c + k];
      }
    }
    r = next;
  }
  for (std::size_t i = 0; i < b * c; ++i) {
    r[i] += y(i / c, i % c);
  }
  return r;
}

std::vector<std::int32_t> labels_at(const Made& m, const std::vector<std::uint32_t>& chosen) {
  std::vector<std::int32_t> labels;
  std::transform(chosen.begin(), chosen.end(), std::back_inserter(labels),
                 [&](std::uint32_t row) { return m.data.labels.values[row]; });
  return labels;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], wanted[i], 1e-12) << i;
  }
}

TEST(Evolution, EqualsTheSumsWrittenOut) {
  ItmOptions options;
  options.iterations = 20;
  options.centres = CentreKind::random;  // every entry of a centre takes part
  for (const std::size_t steps : {1, 3}) {
    options.steps = steps;
    const Made m = made(options);
    const std::vector<std::uint32_t> chosen{3, 0, 77, 199, 45, 46, 47};
    for (const ItmParameters& p : {m.initial, parameters_after(m, options, {20}).front()}) {
      expect_near(evolve_rows(m.feature, m.statistics, m.plan, options, 0.7, p, chosen).evolved,
                  evolved_by_hand(m, options, 0.7, p, chosen, labels_at(m, chosen)));
    }
  }
}

/// With predicted targets no label is used: other labels give the same E_n.
TEST(Evolution, PredictedTargetsComeFromTheHead) {
  ItmOptions options;
  options.iterations = 50;
  options.validation_targets = ValidationTargets::predicted;
  Made m = made(options);
  const ItmParameters p = parameters_after(m, options, {50}).front();
  const std::vector<std::uint32_t> chosen{1, 2, 3, 4, 5, 60, 61, 62};
  const std::vector<double> evolved = evolve_rows(m.feature, m.statistics, m.plan, options, 0.5, p, chosen).evolved;
  for (std::int32_t& label : m.plan.labels.values) {
    label = (label + 1) % 5;
  }
  EXPECT_EQ(evolved, evolve_rows(m.feature, m.statistics, m.plan, options, 0.5, p, chosen).evolved);
  options.validation_targets = ValidationTargets::labels;
  EXPECT_NE(evolved, evolve_rows(m.feature, m.statistics, m.plan, options, 0.5, p, chosen).evolved);
}

/// What validation counts is what is shown: one batch of all validation rows gives the curve's accuracy.
TEST(Evolution, AccuracyOnTheValidationRowsIsThatOfTheCurve) {
  ItmOptions options;
  options.iterations = 100;
  options.precision = Precision::float64;
  const Made m = made(options, 0.2);
  std::vector<ItmParameters> reached;
  ItmObserver observer;
  observer.parameter_iterations = {100};
  observer.parameters = &reached;
  const ItmResult run = run_itm(m.feature, m.statistics, m.plan, options, 0.5, m.initial, {}, observer);
  ASSERT_LE(m.plan.validation.size(), m.plan.batch);
  const Evolution shown =
      evolve_rows(m.feature, m.statistics, m.plan, options, 0.5, reached.front(), m.plan.validation);
  double correct = 0;
  for (std::size_t i = 0; i < m.plan.validation.size(); ++i) {
    correct += shown.predicted[i] == m.data.labels.values[m.plan.validation[i]] ? 1 : 0;
  }
  EXPECT_DOUBLE_EQ(correct / static_cast<double>(m.plan.validation.size()), run.curve.back().accuracy);
}

TEST(Evolution, ClassesPartAsIterationsGrow) {
  ItmOptions options;
  options.iterations = 300;
  const Made m = made(options, 1.0);
  std::vector<std::uint32_t> all(200);
  std::iota(all.begin(), all.end(), 0U);
  const auto purity = [&](const ItmParameters& p) {
    return neighbour_purity(evolve_rows(m.feature, m.statistics, m.plan, options, 0.5, p, all).evolved, 5,
                            m.data.labels.values);
  };
  const std::vector<ItmParameters> later = parameters_after(m, options, {30, 300});
  const double start = purity(m.initial);
  const double middle = purity(later[0]);
  const double end = purity(later[1]);
  EXPECT_GT(middle, start + 0.1);
  EXPECT_GT(end, middle);
  EXPECT_GT(end, start + 0.3);
}

TEST(NeighbourPurity, CountsRowsBesideTheirOwnClass) {
  // On a line: 0, 1 | 5, 5.5, 6 | 9; the row at 9 is alone and nearest to the other class.
  EXPECT_DOUBLE_EQ(neighbour_purity({0, 1, 5, 5.5, 6, 9}, 1, {0, 0, 1, 1, 1, 0}), 5.0 / 6);
  EXPECT_DOUBLE_EQ(neighbour_purity({0, 1, 2, 3}, 1, {0, 1, 0, 1}), 0.0);
}

}  // namespace
}  // namespace itm
