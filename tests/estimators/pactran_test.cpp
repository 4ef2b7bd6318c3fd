// PACTran against the published bounds, Gauss from two starts and Dirichlet, in every golden case and on the shared
// zoo.

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "estimators/made_case.hpp"
#include "json_file.hpp"
#include "numerics/gamma_function.hpp"
#include "paths.hpp"

namespace itm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Some priors from seeds 0 and 1. Published: pairs of names and numbers, the bound with the larger spread, the
/// optimum, the bound with the smaller one, the optimum.
void expect_published_gauss(const ZooEntry& entry, const Labels& labels, const json& published,
                            const std::vector<std::string>& priors, const std::string& what) {
  for (const std::string& prior : priors) {
    const json* of_seed[] = {&published.at("pactran_gauss_" + prior + "_seed0"),
                             &published.at("pactran_gauss_" + prior + "_seed1")};
    for (const std::uint64_t seed : {0U, 1U}) {
      RankOptions options;
      options.seed = seed;
      options.settings = {{"pactran-prior", std::stod(prior)}};
      const ScoredModel scored = testing::score_one("pactran", entry, labels, options);
      const double optimum = scored.details.number("pactran_optimum").value();
      const double flatness = scored.details.number("pactran_flatness").value();
      // The steps are the published ones, so that even a prior that takes all hundred of them agrees far within what
      // the seeds differ by; each step carries the rounding of those before it, which another compiler changes.
      const auto expect = [&](double value, std::size_t place) {
        const double want = of_seed[seed]->at(place).at(1).get<double>();
        const double seeds =
            std::abs(of_seed[0]->at(place).at(1).get<double>() - of_seed[1]->at(place).at(1).get<double>());
        EXPECT_NEAR(value, want, std::min(10 * seeds, 1e-4 * want)) << what << ", prior " << prior << ", seed " << seed;
      };
      expect(optimum + 10 * flatness, 0);  // the flatness is proportional to the spread
      expect(optimum, 1);
      expect(-scored.score, 2);
    }
  }
}

TEST(Pactran, TheSpreadWeighsTheFlatness) {
  const testing::MadeCase made(testing::made_data(60, 12, 3, 0.5, 1));
  RankOptions options;
  options.settings = {{"pactran-spread", 100.0}};
  const ScoredModel usual = made.score("pactran");
  const double flatness = usual.details.number("pactran_flatness").value();
  EXPECT_NEAR(made.score("pactran", options).score, usual.score - 9 * flatness, 1e-12);
}

void expect_published_dirichlet(const ZooEntry& entry, const Labels& labels, const json& published,
                                const std::string& what) {
  for (const char* alpha : {"1.0", "10.0"}) {
    RankOptions options;
    options.settings = {{"pactran_dirichlet-alpha", std::stod(alpha)}};
    const double want = published.at(std::string("pactran_dirichlet_") + alpha).get<double>();
    EXPECT_NEAR(-testing::score_one("pactran_dirichlet", entry, labels, options).score, want, 1e-8)
        << what << ", alpha " << alpha;
  }
}

const std::vector<std::string> published_priors{"0.1", "1.0", "10.0"};

void expect_published_bounds(const fs::path& folder) {
  const json published = testing::read_json(folder / "published_more.json");
  const Labels labels = testing::any_labels(folder / "label.npy");
  expect_published_gauss(testing::case_entry(folder), labels, published, published_priors, folder.filename());
  expect_published_dirichlet(testing::case_entry(folder), labels, published, folder.filename());
}

TEST(Pactran, BoundsAreThePublishedOnes) {
  for (const char* name : {"case_a", "case_b", "case_e"}) {
    expect_published_bounds(fs::path(testing::test_data()) / "published" / name);
  }
}

TEST(Pactran, BoundsAreThePublishedOnesOnSharedCases) {
  const fs::path golden = fs::path(testing::shared()) / "golden";
  if (!fs::exists(golden)) {
    GTEST_SKIP() << golden << " is not here";
  }
  for (const char* name : {"case_c", "case_d"}) {  // the others are in the repository
    expect_published_bounds(golden / name);
  }
}

/// Of the shared zoo. Those that the bundled zoo has too rank there as on the CPU (on_device_test.cpp).
#ifdef ITM_TEST_HOST_CUDA
const auto shared_tasks = ::testing::Values("clutter", "digits", "fontrec", "math");
#else
const auto shared_tasks = ::testing::Values("clutter", "digits", "fontrec", "math", "greek", "texture");
#endif

/// All models of a task.
class PactranOnTheSharedZoo : public ::testing::TestWithParam<const char*> {};

TEST_P(PactranOnTheSharedZoo, BoundsAreThePublishedOnes) {
  const fs::path folder = fs::path(testing::shared()) / "zoo";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << folder << " is not here";
  }
#ifdef ITM_SANITIZED  // many times slower, and what it looks for is in every model
  constexpr std::size_t most = 2;
#else
  constexpr std::size_t most = 12;
#endif
  const json scores = testing::read_json(folder / "published_scores_more.json");
  std::size_t compared = 0;
  for (const auto& [name, published] : scores.items()) {
    if (!name.ends_with(std::string("_") + GetParam()) || compared == most) continue;
    ++compared;
    ZooEntry entry;
    entry.feature = {folder / (name + "_feature.npy"), ""};
    const Labels labels = testing::any_labels(folder / (name + "_label.npy"));
    expect_published_gauss(entry, labels, published, {"1.0"}, name);
    if (published.contains("pactran_dirichlet_1.0")) {
      entry.output = ArrayRef{folder / (name + "_output.npy"), ""};
      expect_published_dirichlet(entry, labels, published, name);
    }
  }
  EXPECT_EQ(compared, most);
}

INSTANTIATE_TEST_SUITE_P(Tasks, PactranOnTheSharedZoo, shared_tasks,
                         [](const auto& task) { return std::string(task.param); });

TEST(Pactran, FeaturesThatSayNothingCostTheEntropyOfTheLabels) {
  testing::MadeData data = testing::made_data(60, 5, 4, 0.5, 1);
  std::fill(data.values.begin(), data.values.end(), 0.0F);
  const ScoredModel scored = testing::MadeCase(data).score("pactran");
  EXPECT_NEAR(scored.details.number("pactran_optimum").value(), std::log(4.0), 1e-3);
}

TEST(GammaFunction, IsThatOfTheStandardLibraryAndItsDerivative) {
  for (const double x : {1e-10, 1e-3, 0.3, 1.0, 2.5, 9.99, 10.01, 77.7, 1e6}) {
    EXPECT_NEAR(log_gamma(x), std::lgamma(x), 1e-13 * std::max(1.0, std::abs(std::lgamma(x)))) << x;
  }
  EXPECT_NEAR(digamma(1), -0.57721566490153286, 1e-14);
  EXPECT_NEAR(digamma(0.5), -1.96351002602142348, 1e-14);
  EXPECT_NEAR(digamma(1e-10), -1e10, 1);
  EXPECT_NEAR(digamma(1000), std::log(1000.0) - 1.0 / 2000 - 1.0 / 12e6, 1e-13);
}

}  // namespace
}  // namespace itm
