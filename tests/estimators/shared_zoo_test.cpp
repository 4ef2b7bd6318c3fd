// The shared zoo of twelve models and six tasks: every score of the published implementations, and how well each
// method's ranking agrees with fine-tuning.

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "device_under_test.hpp"
#include "itm/estimator.hpp"
#include "json_file.hpp"
#include "paths.hpp"
#include "report/details_json.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path zoo_folder = fs::path(itm::testing::shared()) / "zoo";

class SharedZoo : public ::testing::Test {
 protected:
  void SetUp() override {
    ITM_SKIP_WITHOUT_DEVICE();
    if (!fs::exists(zoo_folder)) {
      GTEST_SKIP() << zoo_folder << " is not here";
    }
  }
  static itm::RankReport rank(const std::vector<std::string>& methods) {
    const itm::GroundTruth truth = itm::read_ground_truth(zoo_folder / "ground_truth.csv");
    itm::RankOptions options;
    options.method = methods;
    options.threads = 2;
    options.jackknife = 0;
    options.engine = itm::testing::engine_under_test();
    options.device = options.engine ? itm::Backend::cuda : itm::Backend::cpu;
    itm::RankReport report = itm::rank_zoo(itm::discover_zoo(zoo_folder, {.datasets = truth.datasets}), options);
    itm::add_agreement(report, truth);
    return report;
  }
};

TEST_F(SharedZoo, ScoresEqualThePublishedOnes) {
  const json published = itm::testing::read_json(zoo_folder / "published_scores.json");
  std::map<std::string, int> compared;
  for (const itm::RankedDataset& result : rank({"logme", "leep", "nce", "sfda", "ped", "etran"}).results) {
    for (const itm::ScoredModel& model : result.models) {
      const json& scores = published.at(model.model + "_" + result.dataset);
      const auto expect = [&](const std::string& key, double value) {
        const double want = scores.at(key).get<double>();
        EXPECT_NEAR(value, want, 1e-5 * std::abs(want)) << key << " of " << model.model << " on " << result.dataset;
        ++compared[key];
      };
      if (result.method == "etran") {
        const json details = itm::to_json(model.details);
        expect("etran_energy", details.at("etran_energy"));
        expect("etran_lda", details.at("etran_lda"));
      } else {
        expect(result.method, model.score);
      }
    }
  }
  const std::map<std::string, int> wanted{{"logme", 72}, {"leep", 36},         {"nce", 36},      {"sfda", 72},
                                          {"ped", 72},   {"etran_energy", 72}, {"etran_lda", 72}};
  EXPECT_EQ(compared, wanted);
}

#ifndef ITM_TEST_HOST_CUDA  // which had equal scores just now
TEST_F(SharedZoo, MeanTauIsThatOfThePublishedScores) {
#ifdef ITM_SANITIZED
  GTEST_SKIP() << "the rankings of the test before, once more";
#endif
  std::map<std::string, double> mean;
  for (const itm::RankedDataset& result : rank({"logme", "sfda", "ped", "etran"}).results) {
    mean[result.method] += result.agreement.value().tau_w.value() / 6;
  }
  EXPECT_NEAR(mean["logme"], 0.681, 5e-4);
  EXPECT_NEAR(mean["sfda"], 0.631, 5e-4);
  EXPECT_NEAR(mean["ped"], 0.151, 6e-4);
  EXPECT_NEAR(mean["etran"], 0.775, 5e-4);
}
#endif

}  // namespace
