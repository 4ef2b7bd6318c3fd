// Every method on a GPU's device against the CPU on the bundled zoo: the same ranking and scores to nine digits, and
// how often the host waits.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "check/rounding_spread.hpp"
#include "device_under_test.hpp"
#include "itm/estimator.hpp"
#include "itm/verify.hpp"
#include "paths.hpp"

namespace {

using itm::RankedDataset;
using itm::RankOptions;
using itm::ScoredModel;
using itm::Zoo;

class OnDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ITM_SKIP_WITHOUT_DEVICE(); }

  /// Of these the host that stands in for a device takes minutes over a model: they get three, and few rows of them.
  static bool iterates(const std::string& method) { return method == "nleep" || method == "linear_probe"; }
  /// 0: all of them.
  static std::size_t few_rows(const std::string& method) {
    const bool many = method == "nleep";  // at least five for each of 34 classes
    return many ? 200 : method == "linear_probe" ? 100 : 0;
  }
  static Zoo glyphs(const std::string& method) {
    Zoo zoo = itm::discover_zoo(itm::testing::examples() + "/glyphs");
    if (iterates(method)) {
      zoo.datasets.at("greek").resize(3);
    }
    return zoo;
  }
  static RankOptions options_of(const std::string& method, bool on_device) {
    RankOptions options;
    options.method = method;
    options.datasets = {"greek"};
    options.jackknife = 0;
    options.rows = few_rows(method);
    options.threads = 2;
    options.device = on_device ? itm::Backend::cuda : itm::Backend::cpu;
    options.engine = on_device ? itm::testing::engine_under_test() : nullptr;
    return options;
  }
  static RankedDataset rank(const Zoo& zoo, const std::string& method, bool on_device) {
    return itm::rank_zoo(zoo, options_of(method, on_device)).results.at(0);
  }
  /// How far features that are rounded a little otherwise move a score on the CPU.
  static double moved_by_rounding(const Zoo& zoo, const std::string& method, const ScoredModel& scored) {
    double most = 0;
    for (const std::size_t draw : {0, 1, 2}) {
      const auto moved = itm::scores_after_rounding(zoo, "greek", options_of(method, false), {scored.model}, draw);
      most = std::max(most, std::abs(moved.at(0).score - scored.score));
    }
    return most;
  }
};

TEST_P(OnDevice, RanksTheBundledZooAsTheCpuDoes) {
  const Zoo zoo = glyphs(GetParam());
  const RankedDataset cpu = rank(zoo, GetParam(), false);
  const RankedDataset gpu = rank(zoo, GetParam(), true);
  ASSERT_EQ(gpu.models.size(), cpu.models.size());
  EXPECT_EQ(gpu.place.backend, "cuda");
  for (std::size_t i = 0; i < cpu.models.size(); ++i) {
    EXPECT_EQ(gpu.models[i].model, cpu.models[i].model);
    EXPECT_EQ(gpu.models[i].rank, cpu.models[i].rank);
    double allowed = 1e-9 * std::abs(cpu.models[i].score);
    if (GetParam() == "lead" && std::abs(gpu.models[i].score - cpu.models[i].score) > allowed) {
      // A search of hundreds of steps: of one model of the twelve it enlarges the last digit more.
      allowed = 2 * moved_by_rounding(zoo, GetParam(), cpu.models[i]);
    }
    EXPECT_NEAR(gpu.models[i].score, cpu.models[i].score, allowed) << cpu.models[i].model;
  }
}

/// Waits that a model may cost, from what its details say about iterations.
double most_waits(const std::string& method, const ScoredModel& scored) {
  const auto detail = [&](const char* name) { return scored.details.number(name).value(); };
  if (method == "ped") {
    return 16 + 4 * (detail("ped_steps") + 1);
  }
  if (method == "parc" || method == "knn") {
    return 8;
  }
  if (method == "nleep") {  // one more step than it counts, and one wait for each of k-means
    const itm::Details& fit = *scored.details.find("nleep_gmm")->as<itm::Details>();
    return 2 * (fit.number("iters").value() + 1) + detail("nleep_kmeans_iterations") + 16;
  }
  if (method == "linear_probe") {
    return 2 * detail("linear_probe_iterations") + 16;
  }
  if (method == "pactran") {
    return 2 * detail("pactran_iterations") + 16;
  }
  if (method == "ncti") {  // scikit-learn's principal components: up to seven rounds that are made orthonormal twice
    return 2 * 7 + 16;
  }
  if (method == "lead") {
    return 2 * detail("lead_classifier_iterations") + 16;
  }
  return 16;
}

TEST_P(OnDevice, WaitsNoMoreThanItMust) {
  Zoo one = glyphs(GetParam());
  std::vector<itm::ZooEntry>& entries = one.datasets.at("greek");
  std::erase_if(entries, [&](const itm::ZooEntry& entry) {
    return !itm::find_estimator(GetParam()).missing_input(entry).empty();
  });
  entries.resize(1);
  const std::uint64_t before = itm::testing::engine_under_test()->device_counts().waits;
  const RankedDataset result = rank(one, GetParam(), true);
  const std::uint64_t waits = itm::testing::engine_under_test()->device_counts().waits - before;
  EXPECT_GT(waits, 0U);
  RecordProperty("waits", std::to_string(waits));
  EXPECT_LE(static_cast<double>(waits), most_waits(GetParam(), result.models.at(0)));
}

TEST(VerifyMethod, ComparesScoresAndDetails) {
  ITM_SKIP_WITHOUT_DEVICE();
  RankOptions options;
  options.threads = 2;
  const itm::VerifyReport report = itm::verify_method(itm::discover_zoo(itm::testing::examples() + "/glyphs"), "greek",
                                                      options, "etran", itm::testing::engine_under_test());
  EXPECT_TRUE(report.within);
  EXPECT_EQ(report.reference_order, report.other_order);
  EXPECT_EQ(report.place.backend, "cuda");
  EXPECT_EQ(report.place.device, itm::testing::engine_under_test()->device());
  std::vector<std::string> names;
  for (const itm::StageDeviation& stage : report.stages) {
    EXPECT_TRUE(stage.worst.within) << stage.worst.name << " of " << stage.model;
    names.push_back(stage.worst.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"score", "classes", "dims", "etran_energy", "etran_lda", "rows"}));
}

INSTANTIATE_TEST_SUITE_P(Methods, OnDevice,
                         ::testing::Values("logme", "leep", "nce", "nleep", "parc", "sfda", "ped", "etran", "gbc",
                                           "ncti", "pactran", "pactran_dirichlet", "lead", "hscore", "transrate", "knn",
                                           "linear_probe"),
                         [](const auto& method) { return method.param; });

}  // namespace
