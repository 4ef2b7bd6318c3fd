#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "itm/error.hpp"
#include "itm/itm.hpp"
#include "itm/verify.hpp"
#include "made_array.hpp"

namespace {

using itm::ItmObserver;
using itm::ItmOptions;
using itm::ItmParameters;
using itm::ItmPlan;
using itm::ItmResult;
using itm::Precision;
using itm::Recurrence;
using itm::testing::made_data;
using itm::testing::MadeData;

struct Outcome {
  ItmResult result;
  ItmParameters parameters;
  std::vector<double> losses;
  itm::IterationSnapshot first;
};

Outcome run(const MadeData& data, const ItmOptions& options, double eta = 0.5, const ItmParameters* initial = nullptr) {
  const itm::Array feature = data.array();
  const auto statistics = itm::measure_features(feature, data.labels, options.standardise);
  const ItmPlan plan = itm::make_plan(data.labels, options);
  Outcome r;
  ItmObserver observer;
  observer.losses = &r.losses;
  observer.final_parameters = &r.parameters;
  observer.snapshot = &r.first;
  observer.snapshot_iteration = 1;
  r.result = itm::run_itm(
      feature, statistics, plan, options, eta,
      initial != nullptr ? *initial : itm::initial_parameters(data.dims, data.labels.classes, options.seed), {},
      observer);
  return r;
}

ItmOptions quick() {
  ItmOptions options;
  options.batch_size = 48;
  options.iterations = 60;
  options.validate_every = 20;
  options.precision = Precision::float64;
  return options;
}

class GramAgainstFactored : public testing::TestWithParam<std::size_t> {};

TEST_P(GramAgainstFactored, AgreeToTwelveDigits) {
  const MadeData data = made_data(310, 40, 13, 0.3, 1);
  ItmOptions options = quick();
  options.steps = GetParam();
  options.recurrence = Recurrence::gram;
  const Outcome gram = run(data, options, 0.7);
  options.recurrence = Recurrence::factored;
  const Outcome factored = run(data, options, 0.7);
  EXPECT_EQ(gram.result.recurrence, Recurrence::gram);
  EXPECT_EQ(factored.result.recurrence, Recurrence::factored);
  const auto expect_equal = [](const char* name, const std::vector<double>& a, const std::vector<double>& b) {
    const itm::Deviation d = itm::compare(name, a, b, itm::Measure::relative, 1e-12);
    EXPECT_TRUE(d.within) << name << " differs by " << d.relative;
  };
  expect_equal("evolved", factored.first.evolved, gram.first.evolved);
  expect_equal("psi gradient", factored.first.gradient.psi_w, gram.first.gradient.psi_w);
  expect_equal("losses", factored.losses, gram.losses);
  expect_equal("final psi", factored.parameters.psi_w, gram.parameters.psi_w);
  expect_equal("final head", factored.parameters.head_w, gram.parameters.head_w);
  for (std::size_t i = 0; i < gram.result.curve.size(); ++i) {
    EXPECT_EQ(gram.result.curve[i].accuracy, factored.result.curve[i].accuracy);
    EXPECT_NEAR(gram.result.curve[i].loss, factored.result.curve[i].loss, 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, GramAgainstFactored, testing::Values(1, 2, 7));

TEST(ItmEngine, AutomaticFormIsTheCheaperOne) {
  ItmOptions options = quick();
  options.iterations = 1;
  options.batch_size = 200;
  EXPECT_EQ(run(made_data(300, 8, 3, 1, 1), options).result.recurrence, Recurrence::factored) << "B well above C";
  options.batch_size = 20;
  EXPECT_EQ(run(made_data(300, 8, 60, 1, 1), options).result.recurrence, Recurrence::gram) << "C well above B";
}

/// With eta = 0 the recurrence vanishes, E_n = Theta, and the loss is an ordinary function of the parameters, so that
/// central differences check the whole backward pass, the pull term included.
TEST(ItmEngine, GradientMatchesCentralDifferences) {
  const MadeData data = made_data(60, 6, 4, 0.5, 3);
  ItmOptions options = quick();
  options.batch_size = 16;
  options.iterations = 1;
  options.pull_weight = 0.8;
  const ItmParameters start = itm::initial_parameters(6, 4, 0);
  const Outcome base = run(data, options, 0.0, &start);
  const auto check = [&](std::vector<double> ItmParameters::*member, const std::vector<double>& gradient) {
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      constexpr double h = 1e-6;
      ItmParameters up = start;
      ItmParameters down = start;
      (up.*member)[i] += h;
      (down.*member)[i] -= h;
      const double slope =
          (run(data, options, 0.0, &up).losses.front() - run(data, options, 0.0, &down).losses.front()) / (2 * h);
      EXPECT_NEAR(gradient[i], slope, 1e-8) << "entry " << i;
    }
  };
  check(&ItmParameters::psi_w, base.first.gradient.psi_w);
  check(&ItmParameters::psi_b, base.first.gradient.psi_b);
  check(&ItmParameters::head_w, base.first.gradient.head_w);
  check(&ItmParameters::head_b, base.first.gradient.head_b);
}

/// Loss and accuracy of the validation walk, written down naively from the definitions of spec 2, steps 6 and 9.
itm::Checkpoint naive_validation(const MadeData& data, const ItmOptions& options, double eta, const ItmParameters& p) {
  const std::size_t c_count = data.labels.classes;
  const auto statistics = itm::measure_features(data.array(), data.labels, options.standardise);
  const ItmPlan plan = itm::make_plan(data.labels, options);
  const auto head = [&](const double* e) {
    std::vector<double> logits(p.head_b);
    for (std::size_t k = 0; k < c_count; ++k) {
      for (std::size_t c = 0; c < c_count; ++c) {
        logits[k] += p.head_w[k * c_count + c] * e[c];
      }
    }
    return logits;
  };
  const auto argmax = [](const std::vector<double>& v) {
    return static_cast<std::size_t>(std::max_element(v.begin(), v.end()) - v.begin());
  };
  double correct = 0;
  double loss = 0;
  for (std::size_t start = 0; start < plan.validation.size(); start += plan.batch) {
    const std::size_t b = std::min(plan.batch, plan.validation.size() - start);
    std::vector<double> theta(b * c_count);
    std::vector<std::size_t> target(b);
    for (std::size_t i = 0; i < b; ++i) {
      const std::size_t row = plan.validation[start + i];
      double norm = 0;
      for (std::size_t c = 0; c < c_count; ++c) {
        double z = p.psi_b[c];
        for (std::size_t d = 0; d < data.dims; ++d) {
          z += p.psi_w[c * data.dims + d] *
               (static_cast<double>(data.values[row * data.dims + d]) - statistics.shift[d]) * statistics.scale[d];
        }
        theta[i * c_count + c] = z;
        norm += z * z;
      }
      for (std::size_t c = 0; c < c_count; ++c) {
        theta[i * c_count + c] /= std::sqrt(norm);
      }
      target[i] = options.validation_targets == itm::ValidationTargets::labels
                      ? static_cast<std::size_t>(data.labels.values[row])
                      : argmax(head(&theta[i * c_count]));
    }
    std::vector<double> r(theta);
    for (std::size_t i = 0; i < b; ++i) {
      for (std::size_t c = 0; c < c_count; ++c) {
        r[i * c_count + c] -= plan.centres[target[i] * c_count + c];
      }
    }
    for (std::size_t step = 0; step < options.steps; ++step) {
      std::vector<double> next(r);
      for (std::size_t i = 0; i < b; ++i) {
        for (std::size_t j = 0; j < b; ++j) {
          double gram = 0;
          for (std::size_t c = 0; c < c_count; ++c) {
            gram += theta[i * c_count + c] * theta[j * c_count + c];
          }
          for (std::size_t c = 0; c < c_count; ++c) {
            next[i * c_count + c] -= eta / static_cast<double>(b) * gram * r[j * c_count + c];
          }
        }
      }
      r = next;
    }
    for (std::size_t i = 0; i < b; ++i) {
      std::vector<double> evolved(c_count);
      for (std::size_t c = 0; c < c_count; ++c) {
        evolved[c] = r[i * c_count + c] + plan.centres[target[i] * c_count + c];
      }
      const std::vector<double> logits = head(evolved.data());
      const auto label = static_cast<std::size_t>(data.labels.values[plan.validation[start + i]]);
      correct += argmax(logits) == label ? 1 : 0;
      double sum = 0;
      for (const double l : logits) {
        sum += std::exp(l);
      }
      loss += std::log(sum) - logits[label];
    }
  }
  const auto n = static_cast<double>(plan.validation.size());
  return {options.iterations, correct / n, loss / n};
}

struct ValidationCase {
  const char* name;
  itm::ValidationTargets targets;
  itm::CentreKind centres;
  std::size_t steps;
};

class Validation : public testing::TestWithParam<ValidationCase> {};

TEST_P(Validation, MatchesTheDefinitionIncludingTheShortLastBatch) {
  const MadeData data = made_data(330, 12, 5, 0.4, 4);  // 66 validation rows: 48 and a short batch of 18
  ItmOptions options = quick();
  options.validation_targets = GetParam().targets;
  options.centres = GetParam().centres;
  options.steps = GetParam().steps;
  const Outcome r = run(data, options, 0.9);
  const itm::Checkpoint want = naive_validation(data, options, 0.9, r.parameters);
  EXPECT_EQ(r.result.curve.back().iteration, options.iterations);
  EXPECT_DOUBLE_EQ(r.result.curve.back().accuracy, want.accuracy);
  EXPECT_NEAR(r.result.curve.back().loss, want.loss, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Validation,
    testing::Values(ValidationCase{"labels", itm::ValidationTargets::labels, itm::CentreKind::onehot, 1},
                    ValidationCase{"predicted", itm::ValidationTargets::predicted, itm::CentreKind::onehot, 1},
                    ValidationCase{"pca", itm::ValidationTargets::labels, itm::CentreKind::pca, 1},
                    ValidationCase{"random_three_steps", itm::ValidationTargets::predicted, itm::CentreKind::random,
                                   3}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(ItmEngine, LearnsSeparableClasses) {
  ItmOptions options = quick();
  options.iterations = 200;
  options.validation_targets = itm::ValidationTargets::predicted;  // no label reaches the validation rows
  EXPECT_GE(run(made_data(400, 16, 4, 2.0, 5), options).result.best.accuracy, 0.98);
  EXPECT_LE(run(made_data(400, 16, 4, 0.0, 5), options).result.best.accuracy, 0.45) << "there is nothing to learn";
}

TEST(ItmEngine, BestIsTheHighestAccuracyThenTheLowestLoss) {
  const Outcome r = run(made_data(400, 16, 4, 2.0, 5), quick());
  ASSERT_EQ(r.result.curve.size(), 3U);
  for (const itm::Checkpoint& point : r.result.curve) {
    EXPECT_TRUE(point.accuracy < r.result.best.accuracy ||
                (point.accuracy == r.result.best.accuracy && point.loss >= r.result.best.loss));
  }
}

TEST(ItmEngine, LastIterationIsAlwaysACheckpoint) {
  ItmOptions options = quick();
  options.iterations = 50;
  const auto curve = run(made_data(100, 4, 2, 1, 6), options).result.curve;
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_EQ(curve[0].iteration, 20U);
  EXPECT_EQ(curve[2].iteration, 50U);
}

TEST(ItmEngine, Float32FollowsFloat64) {
  const MadeData data = made_data(500, 64, 20, 0.4, 7);
  ItmOptions options = quick();
  const Outcome reference = run(data, options);
  options.precision = Precision::float32;
  const Outcome fast = run(data, options);
  EXPECT_LT(
      itm::compare("psi", fast.parameters.psi_w, reference.parameters.psi_w, itm::Measure::frobenius, 1).frobenius,
      1e-4);
  EXPECT_LT(itm::compare("losses", fast.losses, reference.losses, itm::Measure::relative, 1).relative, 1e-5);
}

TEST(ItmEngine, RepeatsBitForBit) {
  const MadeData data = made_data(300, 33, 7, 0.4, 8);
  ItmOptions options = quick();
  options.precision = Precision::float32;
  const Outcome a = run(data, options);
  const Outcome b = run(data, options);
  EXPECT_EQ(a.losses, b.losses);
  EXPECT_EQ(a.parameters.psi_w, b.parameters.psi_w);
}

TEST(ItmEngine, RowMapSelectsTheSameRunAsACopy) {
  const MadeData data = made_data(240, 10, 3, 0.5, 9);
  MadeData kept{{}, {}, 0, 10};
  kept.labels.classes = 3;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < 240; ++i) {
    if (i % 7 != 0) {
      rows.push_back(i);
      kept.labels.values.push_back(data.labels.values[i]);
      kept.values.insert(kept.values.end(), data.values.begin() + i * 10, data.values.begin() + i * 10 + 10);
      ++kept.rows;
    }
  }
  const ItmOptions options = quick();
  const Outcome direct = run(kept, options);
  const auto statistics = itm::measure_features(data.array(), kept.labels, options.standardise, rows);
  const ItmResult mapped = itm::run_itm(data.array(), statistics, itm::make_plan(kept.labels, options), options, 0.5,
                                        itm::initial_parameters(10, 3, options.seed), rows);
  EXPECT_EQ(mapped.best.accuracy, direct.result.best.accuracy);
  EXPECT_EQ(mapped.best.loss, direct.result.best.loss);
}

TEST(ItmEngine, StopsWhenCancelled) {
  const MadeData data = made_data(100, 4, 2, 1, 6);
  const ItmOptions options = quick();
  ItmObserver observer;
  int polls = 0;
  observer.cancelled = [&] { return ++polls > 5; };
  EXPECT_THROW((void)itm::run_itm(data.array(), itm::measure_features(data.array(), data.labels, options.standardise),
                                  itm::make_plan(data.labels, options), options, 0.5, itm::initial_parameters(4, 2, 0),
                                  {}, observer),
               itm::Interrupted);
  EXPECT_EQ(polls, 6);
}

TEST(ItmEngine, TensorCoresNeedAGpu) {
  ItmOptions options = quick();
  for (const Precision precision : {Precision::tf32, Precision::tf32x3}) {
    options.precision = precision;
    EXPECT_THROW((void)run(made_data(100, 4, 2, 1, 6), options), itm::InputError);
  }
}

TEST(ItmEngine, RefusesAPlanThatDoesNotFit) {
  const MadeData data = made_data(100, 4, 2, 1, 6);
  const ItmOptions options = quick();
  const auto statistics = itm::measure_features(data.array(), data.labels, options.standardise);
  ItmPlan plan = itm::make_plan(data.labels, options);
  plan.batches[3] = 100;
  EXPECT_THROW((void)itm::run_itm(data.array(), statistics, plan, options, 0.5, itm::initial_parameters(4, 2, 0)),
               itm::InputError);
  plan = itm::make_plan(data.labels, options);
  EXPECT_THROW((void)itm::run_itm(data.array(), statistics, plan, options, 0.5, itm::initial_parameters(5, 2, 0)),
               itm::InputError);
}

}  // namespace
