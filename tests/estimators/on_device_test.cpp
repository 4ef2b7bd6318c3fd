// Every method on a GPU's device against the CPU on the bundled zoo: the same ranking and scores to nine digits, and
// how often the host waits.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "check/rounding_spread.hpp"
#include "device_under_test.hpp"
#include "itm/dataset.hpp"
#include "itm/estimator.hpp"
#include "itm/verify.hpp"
#include "made_zoo.hpp"
#include "paths.hpp"

namespace {

using itm::RankedDataset;
using itm::RankOptions;
using itm::ScoredModel;
using itm::Zoo;

// The host that stands in for a device takes minutes then.
#ifdef ITM_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

class OnDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ITM_SKIP_WITHOUT_DEVICE(); }

  static Zoo glyphs() { return itm::discover_zoo(itm::testing::examples() + "/glyphs"); }
  static RankOptions options_of(const std::string& method, bool on_device) {
    RankOptions options;
    options.method = method;
    options.jackknife = 0;
    options.itm.precision = itm::Precision::float64;
    options.itm.iterations = sanitized ? 20 : 100;
    options.threads = 2;
    options.device = on_device ? itm::Backend::cuda : itm::Backend::cpu;
    options.engine = on_device ? itm::testing::engine_under_test() : nullptr;
    return options;
  }
  static RankedDataset rank(const Zoo& zoo, const std::string& dataset, const std::string& method, bool on_device) {
    RankOptions options = options_of(method, on_device);
    options.datasets = {dataset};
    return itm::rank_zoo(zoo, options).results.at(0);
  }
};

class BundledZoo : public OnDevice {
 protected:
  /// Where 1e-9 does not hold: how far features that are rounded a little otherwise move a score on the CPU, its root
  /// mean square. A search of hundreds of steps enlarges the last digit, and a row of the probe may be as near to one
  /// class as to another.
  static double moved_by_rounding(const std::string& dataset, const ScoredModel& scored) {
    const RankOptions options = options_of(GetParam(), false);
    const auto draws = itm::scores_after_rounding(glyphs(), dataset, options, {scored.model});
    double squares = 0;
    for (const auto& moved : draws) {
      squares += std::pow(moved.at(0).score - scored.score, 2);
    }
    return std::sqrt(squares / static_cast<double>(draws.size()));
  }
  static void expect_the_scores_of_the_cpu(const std::string& dataset) {
    const RankedDataset cpu = rank(glyphs(), dataset, GetParam(), false);
    const RankedDataset gpu = rank(glyphs(), dataset, GetParam(), true);
    const bool searches = std::set<std::string>{"lead", "linear_probe", "pactran"}.contains(GetParam());
    ASSERT_EQ(gpu.models.size(), cpu.models.size());
    EXPECT_EQ(gpu.place.backend, "cuda");
    for (std::size_t i = 0; i < cpu.models.size(); ++i) {
      EXPECT_EQ(gpu.models[i].model, cpu.models[i].model);
      EXPECT_EQ(gpu.models[i].rank, cpu.models[i].rank);
      double allowed = 1e-9 * std::abs(cpu.models[i].score);
      if (searches && std::abs(gpu.models[i].score - cpu.models[i].score) > allowed) {
        allowed = 4 * moved_by_rounding(dataset, cpu.models[i]);
      }
      EXPECT_NEAR(gpu.models[i].score, cpu.models[i].score, allowed) << cpu.models[i].model << " on " << dataset;
    }
  }
};

TEST_P(BundledZoo, RanksAsOnTheCpu) {
  expect_the_scores_of_the_cpu("greek");
  if (!sanitized) {
    expect_the_scores_of_the_cpu("texture");
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
  Zoo one = glyphs();
  std::vector<itm::ZooEntry>& entries = one.datasets.at("greek");
  std::erase_if(entries, [&](const itm::ZooEntry& entry) {
    return !itm::find_estimator(GetParam()).missing_input(entry).empty();
  });
  entries.resize(1);
  const std::uint64_t before = itm::testing::engine_under_test()->device_counts().waits;
  const RankedDataset result = rank(one, "greek", GetParam(), true);
  const std::uint64_t waits = itm::testing::engine_under_test()->device_counts().waits - before;
  EXPECT_GT(waits, 0U);
  RecordProperty("waits", std::to_string(waits));
  EXPECT_LE(static_cast<double>(waits), most_waits(GetParam(), result.models.at(0)));
}

class FeaturesOnIt : public OnDevice {};

/// Features that lie on the device already are read there: the caller's copy on the host says something else here, so
/// that a method that looked at it would find something else.
TEST_P(FeaturesOnIt, AreReadWhereTheyLie) {
  const itm::testing::MadeData made = itm::testing::made_data(80, 12, 4, 1.0, 1);
  const itm::testing::MadeData other = itm::testing::made_data(80, 12, 4, 0.3, 2);
  const std::vector<double> values(made.values.begin(), made.values.end());
  const auto device = itm::testing::device_under_test();
  const itm::Matrix there = device->matrix_of(values, made.rows, made.dims);
  (void)device->read(there.view());  // it is there
  const auto rank_once = [&](const itm::Array& features) {
    itm::Dataset dataset("made", made.labels.values);
    dataset.add("model", features);
    RankOptions options = options_of(GetParam(), true);
    const std::uint64_t before = options.engine->device_counts().uploaded;
    const ScoredModel scored = itm::rank(dataset, options).results.at(0).models.at(0);
    // The score, and what is left of it where it is spread over a zoo of one.
    return std::pair(std::pair(scored.score, scored.details), options.engine->device_counts().uploaded - before);
  };
  const std::vector<double> different(other.values.begin(), other.values.end());
  const auto on_host = itm::view(different.data(), made.rows, made.dims);
  const auto [sent, sent_bytes] = rank_once(itm::view(values.data(), made.rows, made.dims));
  const auto [found, bytes] = rank_once(on_host.with_device_copy(there.view().data()));
  EXPECT_TRUE(found == sent);
  EXPECT_FALSE(found == rank_once(on_host).first) << "the two say the same: this test would see nothing";
  if (GetParam() != "itm") {  // whose engine does not count
    EXPECT_EQ(bytes + values.size() * sizeof(double), sent_bytes);
  }
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

const auto name_of_method = [](const auto& method) { return method.param; };
const auto with = [](std::vector<std::string> some, const std::vector<std::string>& others) {
  some.insert(some.end(), others.begin(), others.end());
  return some;
};
const std::vector<std::string> of_features{"logme",   "nleep", "parc",   "sfda",      "etran", "gbc",         "ncti",
                                           "pactran", "lead",  "hscore", "transrate", "knn",   "linear_probe"};
const std::vector<std::string> that_count_waits = with(of_features, {"leep", "nce", "ped", "pactran_dirichlet"});
INSTANTIATE_TEST_SUITE_P(Methods, FeaturesOnIt, ::testing::ValuesIn(with(of_features, {"itm"})), name_of_method);
INSTANTIATE_TEST_SUITE_P(Methods, BundledZoo, ::testing::ValuesIn(with(that_count_waits, {"itm"})), name_of_method);
INSTANTIATE_TEST_SUITE_P(Methods, OnDevice, ::testing::ValuesIn(that_count_waits), name_of_method);

}  // namespace
