// N-LEEP against the numbers that the published code prints with scikit-learn 1.2.1, seed by seed, and what it does
// where that code crashes.

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "device_under_test.hpp"
#include "estimators/score_model.hpp"
#include "itm/error.hpp"
#include "json_file.hpp"
#include "made_zoo.hpp"
#include "paths.hpp"

namespace {

namespace fs = std::filesystem;
using itm::RankOptions;
using itm::ScoredModel;
using itm::testing::TemporaryFolder;
using nlohmann::json;

const fs::path published_folder = fs::path(itm::testing::test_data()) / "published";

ScoredModel nleep_of(const fs::path& folder, const RankOptions& options = {}) {
  return itm::testing::score_one("nleep", itm::testing::case_entry(folder),
                                 itm::testing::any_labels(folder / "label.npy"), options);
}

RankOptions with_seed(std::uint64_t seed) {
  RankOptions options;
  options.seed = seed;
  return options;
}

RankOptions with_probabilities(const fs::path& file) {
  RankOptions options;
  options.settings["nleep-probabilities"] = file.string();
  return options;
}

/// Scores and intermediates of every seed of a case: the same draws, the same clusters, the same mixture.
void expect_published_nleep(const fs::path& folder) {
  const json scores = itm::testing::read_json(folder / "scores.json");
  const json& wanted = scores["intermediates"];
  const std::size_t seeds = scores["nleep"].size();
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    const std::string what = folder.filename().string() + ", seed " + std::to_string(seed);
    const ScoredModel scored = nleep_of(folder, with_seed(seed));
    const json details = itm::to_json(scored.details);
    EXPECT_NEAR(scored.score, scores["nleep"][seed].get<double>(), 1e-12) << what;
    EXPECT_EQ(details["nleep_pca_dims"], wanted["nleep_pca_dims"]) << what;
    EXPECT_EQ(details["nleep_gmm_components"], wanted["nleep_gmm_components"]) << what;
    const json& mixture = wanted["nleep_gmm"][seed];
    EXPECT_EQ(details["nleep_gmm"]["iters"], mixture["iters"]) << what;
    EXPECT_EQ(details["nleep_gmm"]["conv"], mixture["conv"]) << what;
    EXPECT_NEAR(details["nleep_gmm"]["ll"].get<double>(), mixture["ll"].get<double>(), 1e-8) << what;
    if (wanted["nleep_pca_energy"].is_number()) {  // 0 / 0 for constant features
      EXPECT_NEAR(details["nleep_pca_energy"].get<double>(), wanted["nleep_pca_energy"].get<double>(), 1e-12) << what;
    }
  }
}

TEST(Nleep, EqualsThePublishedScoreSeedBySeed) {
  for (const char* name : {"case_a", "case_e"}) {
    ASSERT_EQ(itm::testing::read_json(published_folder / name / "scores.json")["nleep"].size(), 5U);
    expect_published_nleep(published_folder / name);
  }
}

/// Ten clusters wanted of one distinct row; duplicated rows; a class of one row.
TEST(Nleep, EqualsThePublishedScoreOnAwkwardFeatures) {
  for (const char* name : {"edge_all_constant", "edge_duplicates_floor", "edge_single_sample_class"}) {
    ASSERT_EQ(itm::testing::read_json(published_folder / name / "scores.json")["nleep"].size(), 1U);
    expect_published_nleep(published_folder / name);
  }
}

TEST(Nleep, EqualsThePublishedScoreOnSharedCases) {
  const fs::path golden = fs::path(itm::testing::shared()) / "golden";
  if (!fs::exists(golden)) {
    GTEST_SKIP() << golden << " is not here";
  }
  for (const char* name : {"case_b", "case_c", "case_d"}) {  // the others are in the repository
    expect_published_nleep(golden / name);
  }
}

/// A mixture is fitted by steps that fork: the last bit of a sum, which another processor or device may round
/// otherwise, can lead a fit elsewhere, as another seed does. So nearly all scores equal the published ones, and none
/// is further off than the two published seeds are from each other.
constexpr double largest_spread = 0.0285;

#if !defined(ITM_TEST_HOST_CUDA) && !defined(ITM_TEST_CUDA)
TEST(Nleep, EqualsThePublishedScoreOnTheSharedZoo) {
  const fs::path zoo_folder = fs::path(itm::testing::shared()) / "zoo";
  if (!fs::exists(zoo_folder)) {
    GTEST_SKIP() << zoo_folder << " is not here";
  }
#ifdef ITM_SANITIZED
  GTEST_SKIP() << "two minutes of arithmetic that other tests walk through on small features";
#endif
  const json published = itm::testing::read_json(zoo_folder / "published_scores.json");
  const itm::GroundTruth truth = itm::read_ground_truth(zoo_folder / "ground_truth.csv");
  itm::RankOptions options;
  options.method = {"nleep"};
  options.threads = 2;
  double tau = 0;
  std::size_t scores = 0;
  std::size_t equal = 0;
  for (const char* key : {"nleep_seed0", "nleep_seed1"}) {
    itm::RankReport report = itm::rank_zoo(itm::discover_zoo(zoo_folder, {.datasets = truth.datasets}), options);
    itm::add_agreement(report, truth);
    ASSERT_EQ(report.results.size(), 6U);
    for (const itm::RankedDataset& result : report.results) {
      for (const ScoredModel& model : result.models) {
        const std::string name = model.model + "_" + result.dataset;
        const double deviation = std::abs(model.score - published.at(name).at(key).get<double>());
        ++scores;
        equal += deviation < 1e-11 ? 1 : 0;
        EXPECT_LT(deviation, largest_spread) << key << " of " << name;
      }
      tau += options.seed == 0 ? result.agreement.value().tau_w.value() / 6 : 0;
    }
    ++options.seed;
  }
  EXPECT_GE(equal, scores - scores / 20);
  EXPECT_NEAR(tau, 0.652, equal == scores ? 5e-4 : 0.01);  // seed 0
}
#else
/// All models of a task, for the first of the two seeds; greek and texture are in the bundled zoo (on_device_test.cpp).
class NleepOnTheSharedZoo : public ::testing::TestWithParam<const char*> {};

TEST_P(NleepOnTheSharedZoo, EqualsThePublishedScore) {
  ITM_SKIP_WITHOUT_DEVICE();
  const fs::path zoo_folder = fs::path(itm::testing::shared()) / "zoo";
  if (!fs::exists(zoo_folder)) {
    GTEST_SKIP() << zoo_folder << " is not here";
  }
  itm::ZooOptions some{.datasets = {GetParam()}};
#ifdef ITM_SANITIZED  // many times slower, and what it looks for is in every model
  some.models = {"simclr_vit_s"};
#endif
  const json published = itm::testing::read_json(zoo_folder / "published_scores.json");
  RankOptions options;
  options.method = {"nleep"};
  options.datasets = {GetParam()};
  options.jackknife = 0;
  options.engine = itm::testing::engine_under_test();
  options.device = itm::Backend::cuda;
  std::size_t different = 0;
  const itm::RankReport report = itm::rank_zoo(itm::discover_zoo(zoo_folder, some), options);
  for (const ScoredModel& model : report.results.at(0).models) {
    const std::string name = model.model + "_" + GetParam();
    const double deviation = std::abs(model.score - published.at(name).at("nleep_seed0").get<double>());
    different += deviation < 1e-11 ? 0 : 1;
    EXPECT_LT(deviation, largest_spread) << name;
  }
  EXPECT_LE(different, report.results.at(0).models.size() / 12);
}

INSTANTIATE_TEST_SUITE_P(Tasks, NleepOnTheSharedZoo, ::testing::Values("clutter", "digits", "fontrec", "math"),
                         [](const auto& task) { return std::string(task.param); });
#endif

TEST(Nleep, ScoresGivenResponsibilitiesOnSharedCases) {
  const fs::path golden = fs::path(itm::testing::shared()) / "golden";
  if (!fs::exists(golden)) {
    GTEST_SKIP() << golden << " is not here";
  }
  int compared = 0;
  for (const auto& folder : fs::directory_iterator(golden)) {
    const fs::path file = folder.path() / "nleep_prob.npy";
    const json wanted =
        fs::exists(file) ? itm::testing::read_json(folder.path() / "scores.json")["nleep_given_prob"] : json();
    if (wanted.is_number()) {
      EXPECT_NEAR(nleep_of(folder.path(), with_probabilities(file)).score, wanted.get<double>(), 1e-12) << file;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 8);
}

/// p(z | x) = one component per row or one for all: the score is 1, or the sum of the squared shares of the classes.
TEST(Nleep, GivenResponsibilitiesBoundTheScore) {
  const TemporaryFolder folder;
  const fs::path data = published_folder / "case_a";
  const itm::Labels labels = itm::testing::any_labels(data / "label.npy");
  const std::size_t n = labels.values.size();
  std::vector<double> own(n * n);
  std::vector<double> sizes(labels.classes);
  for (std::size_t i = 0; i < n; ++i) {
    own[i * n + i] = 1;
    sizes[static_cast<std::size_t>(labels.values[i])] += 1;
  }
  itm::write_npy<double>(folder / "own.npy", own, std::vector<std::size_t>{n, n});
  EXPECT_NEAR(nleep_of(data, with_probabilities(folder / "own.npy")).score, 1, 1e-12);

  double chance = 0;
  for (const double size : sizes) {
    chance += size * size / static_cast<double>(n * n);
  }
  itm::write_npy<double>(folder / "one.npy", std::vector<double>(n, 1.0), std::vector<std::size_t>{n, 1});
  EXPECT_NEAR(nleep_of(data, with_probabilities(folder / "one.npy")).score, chance, 1e-12);
}

TEST(Nleep, RefusesResponsibilitiesThatAreNone) {
  const TemporaryFolder folder;
  const fs::path data = published_folder / "case_a";
  const auto refusal = [&](const std::string& name, const std::vector<double>& values, std::size_t rows) {
    itm::write_npy<double>(folder / name, values, std::vector<std::size_t>{rows, values.size() / rows});
    try {
      (void)nleep_of(data, with_probabilities(folder / name));
    } catch (const itm::InputError& error) {
      return std::string(error.what());
    }
    ADD_FAILURE() << name << " was accepted";
    return std::string();
  };
  std::vector<double> half(200 * 2, 0.5);
  EXPECT_NE(refusal("few.npy", std::vector<double>(150, 1.0), 150).find("150"), std::string::npos);
  half[7] = 0.4;
  EXPECT_NE(refusal("sum.npy", half, 200).find("row 3"), std::string::npos);
  half[6] = 1.5;
  half[7] = -0.5;
  EXPECT_NE(refusal("negative.npy", half, 200).find("row 3"), std::string::npos);
  half[7] = std::nan("");
  EXPECT_NE(refusal("nan.npy", half, 200).find("nan.npy"), std::string::npos);
}

TEST(Nleep, RefusesMoreComponentsThanRows) {
  RankOptions options;
  options.settings["nleep-ratio"] = 51.0;  // 4 x 51 = 204 of 200 rows
  try {
    (void)nleep_of(published_folder / "case_a", options);
    ADD_FAILURE() << "204 components were fitted to 200 rows";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("--nleep-ratio"), std::string::npos) << error.what();
  }
}

/// One component per class, one per row: the ends of the ratio.
TEST(Nleep, RatioSetsTheNumberOfComponents) {
  for (const double ratio : {1.0, 50.0}) {
    RankOptions options;
    options.settings["nleep-ratio"] = ratio;
    const ScoredModel scored = nleep_of(published_folder / "case_a", options);
    EXPECT_EQ(itm::to_json(scored.details)["nleep_gmm_components"], 4 * ratio);
    EXPECT_GT(scored.score, 0.25);
    EXPECT_LE(scored.score, 1 + 1e-12);
    EXPECT_EQ(scored.score > 0.99, ratio == 50.0);
  }
}

}  // namespace
