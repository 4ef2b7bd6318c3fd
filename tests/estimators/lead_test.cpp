// LEAD against a reference that differentiates the random head parameter by parameter, and what must hold for any data.

#include <gtest/gtest.h>

#include <cmath>

#include "estimators/made_case.hpp"

namespace itm {
namespace {

using testing::details_of;
using testing::made_data;
using testing::MadeCase;

RankOptions lead_options(double eta, double samples, double width) {
  RankOptions options;
  options.seed = 3;
  options.settings = {{"lead-eta", eta}, {"lead-samples", samples}, {"lead-width", width}, {"lead-iterations", 2000.0}};
  return options;
}

TEST(Lead, EqualsTheReferenceWithItsParameterGradients) {
  const auto reference = testing::probe_reference();
  for (const std::string& name : testing::reference_cases) {
    const auto& want = reference[name]["lead"];
    const ScoredModel scored = testing::score_reference_case(name, "lead", lead_options(1, 16, 32));
    const auto details = details_of(scored);
    const auto& eigenvalues = details["lead_eigenvalues"];
    ASSERT_EQ(eigenvalues.size(), want["eigenvalues"].size());
    for (std::size_t k = 0; k < eigenvalues.size(); ++k) {
      EXPECT_NEAR(eigenvalues[k].get<double>(), want["eigenvalues"][k].get<double>(), 1e-9) << name << " class " << k;
    }
    // The classifiers agree as far as their tolerance goes.
    EXPECT_NEAR(details["lead_initial_cross_entropy"].get<double>(), want["initial_cross_entropy"].get<double>(), 1e-5);
    EXPECT_NEAR(scored.score, want["score"].get<double>(), 1e-4) << name;
  }
}

TEST(Lead, WithoutEvolutionItIsTheClassifiersCrossEntropy) {
  const MadeCase made(made_data(90, 8, 3, 0.5, 1));
  const ScoredModel scored = made.score("lead", lead_options(0, 64, 64));
  EXPECT_DOUBLE_EQ(scored.score, -details_of(scored)["lead_initial_cross_entropy"].get<double>());
}

TEST(Lead, AfterLongEvolutionOnlyTheOneHotLabelIsLeft) {
  const MadeCase made(made_data(90, 8, 3, 0.5, 1));
  const double e = std::exp(1.0);
  EXPECT_NEAR(made.score("lead", lead_options(1e3, 64, 64)).score, std::log(e / (e + 2)), 1e-9);
}

TEST(Lead, AWideHeadsEigenvalueIsTheMeanSquareOfTheFeatures) {
  const MadeCase made(made_data(128, 16, 2, 0.0, 1));
  const auto narrow = details_of(made.score("lead", lead_options(1, 64, 16)))["lead_eigenvalues"];
  const auto wide = details_of(made.score("lead", lead_options(1, 64, 16384)))["lead_eigenvalues"];
  // All rows are used, so the two classes' mean squares of standardised columns average to 1.
  EXPECT_NEAR((wide[0].get<double>() + wide[1].get<double>()) / 2, 1, 0.02);
  EXPECT_GT(std::abs(narrow[0].get<double>() - wide[0].get<double>()), 1e-3);
}

TEST(Lead, SeedsDifferAndScaleDoesNotMatter) {
  testing::MadeData data = made_data(90, 8, 3, 0.5, 1);
  RankOptions options = lead_options(1, 16, 64);
  const double score = MadeCase(data).score("lead", options).score;
  for (float& value : data.values) {
    value = 4 * value + 3;
  }
  EXPECT_NEAR(MadeCase(data).score("lead", options).score, score, 1e-4);
  options.seed = 4;
  EXPECT_GT(std::abs(MadeCase(data).score("lead", options).score - score), 1e-6);
}

TEST(Lead, ConstantFeaturesDoNotEvolve) {
  const MadeCase made(
      std::vector<float>(60, 2.0F), 3,
      testing::labels_of(std::vector<std::int32_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_NEAR(made.score("lead", lead_options(1, 64, 64)).score, -std::log(2.0), 1e-9);
}

}  // namespace
}  // namespace itm
