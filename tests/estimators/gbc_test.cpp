// GBC against numpy and scikit-learn, and by hand.

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "estimators/made_case.hpp"

namespace itm {
namespace {

using testing::labels_of;
using testing::MadeCase;

RankOptions gbc_options(double dims, const std::string& covariance, Variant variant = Variant::published) {
  RankOptions options;
  options.variant = variant;
  options.settings = {{"gbc-dims", dims}, {"gbc-covariance", covariance}};
  return options;
}

TEST(Gbc, EqualsTheReference) {
  const auto reference = testing::probe_reference();
  for (const std::string& name : testing::reference_cases) {
    for (const auto& [key, score] : reference[name]["gbc"].items()) {
      std::istringstream words(key);
      double dims = 0;
      std::string covariance;
      std::string variant;
      words >> dims >> covariance >> variant;
      const RankOptions options =
          gbc_options(dims, covariance, variant == "exact" ? Variant::exact : Variant::published);
      const double want = score.get<double>();
      EXPECT_NEAR(testing::score_reference_case(name, "gbc", options).score, want, 1e-8 * std::abs(want))
          << name << " " << key;
    }
  }
}

/// Two classes on a line, at 0 and 4, with variances 1 and 3.
const std::vector<float> line{-1, 1, -1, 1, 4 - 1.7320508F, 4 + 1.7320508F, 4 - 1.7320508F, 4 + 1.7320508F};

TEST(Gbc, OfTwoGaussiansOnALine) {
  const MadeCase made(line, 1, labels_of({0, 0, 0, 0, 1, 1, 1, 1}));
  const double distance = 16.0 / 2 / 8 + std::log(2 / std::sqrt(3.0)) / 2;
  EXPECT_NEAR(made.score("gbc", gbc_options(64, "spherical")).score, -2 * std::exp(-distance), 1e-7);
  EXPECT_NEAR(made.score("gbc", gbc_options(64, "diagonal")).score, -2 * std::exp(-distance), 1e-7);
}

TEST(Gbc, ThePublishedSphereCountsItsVarianceOnceTheExactOneInEveryDimension) {
  std::vector<float> plane;
  for (const float x : line) {
    plane.push_back(x);
    plane.push_back(0.5F * x);
  }
  const MadeCase made(plane, 2, labels_of({0, 0, 0, 0, 1, 1, 1, 1}));
  // On the principal axis the variances are 1.25 and 3.75, across it 1e-4: their means are v and almost 3 v.
  const double v = (1.25 + 1e-4) / 2;
  const double w = (3.75 + 1e-4) / 2;
  const double apart = 20.0 / ((v + w) / 2) / 8;
  const double spread = std::log((v + w) / 2 / std::sqrt(v * w)) / 2;
  EXPECT_NEAR(made.score("gbc", gbc_options(64, "spherical")).score, -2 * std::exp(-apart - spread), 1e-6);
  EXPECT_NEAR(made.score("gbc", gbc_options(64, "spherical", Variant::exact)).score, -2 * std::exp(-apart - 2 * spread),
              1e-6);
}

TEST(Gbc, ConstantFeaturesOverlapCompletely) {
  const MadeCase made(std::vector<float>(36, 2.5F), 3, labels_of({0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_NEAR(made.score("gbc").score, -6, 1e-9);
}

TEST(Gbc, RowsThatAllEqualTheirMeanAreSeparatedUpToTheFloor) {
  const MadeCase made({0, 0, 0, 1, 1, 1}, 1, labels_of({0, 0, 0, 1, 1, 1}));
  EXPECT_NEAR(made.score("gbc").score, -2 * std::exp(-1 / 1e-4 / 8), 1e-12);
}

}  // namespace
}  // namespace itm
