// What a method tells about itself reaches every place that speaks of methods, without its name being known there; and
// what a ranking tells while it works and about where it worked.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "itm/sweep.hpp"
#include "made_zoo.hpp"
#include "session/method.hpp"

namespace {

using itm::RankOptions;
using itm::RankReport;
using itm::testing::TemporaryFolder;
using itm::testing::write_small_zoo;

/// A method as a program that links the library would add it: its score is the number of columns.
void register_width() {
  static const bool once = [] {
    itm::Estimator about;
    about.name = "width";
    about.description = "number of columns";
    about.unit = itm::ScoreUnit::accuracy;
    about.columns = {{"dims", "columns of it", "its only detail", 0}};
    about.cost = [](const itm::Workload& work, const RankOptions&) { return itm::Cost{1000 * work.dims, 7}; };
    itm::Estimator width = itm::model_estimator(about, [](itm::ModelInput& input) {
      itm::Scored scored;
      scored.score = static_cast<double>(input.dims()) / 100;
      return scored;
    });
    width.on_gpu = false;  // as a method that computes on the host by itself
    itm::register_estimator(std::move(width));
    return true;
  }();
  ASSERT_TRUE(once);
}

TEST(Protocol, ARegisteredMethodIsSeenEverywhere) {
  register_width();
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  RankOptions options;
  options.method = "width";
  const RankReport report = itm::rank_zoo(itm::discover_zoo(folder.path()), options);
  EXPECT_EQ(report.results[0].models[0].model, "good") << "the widest";
  const std::string table = itm::to_table(report, false);
  EXPECT_NE(table.find("24.00 %"), std::string::npos) << "its unit is an accuracy\n" << table;
  EXPECT_NE(table.find("columns of it"), std::string::npos) << table;
  EXPECT_NE(itm::to_html(report).find("its only detail"), std::string::npos);
  EXPECT_EQ(itm::estimators().back().name, "width") << "what itm methods lists";

  itm::SweepSpec spec;
  spec.zoo = folder.path();
  spec.methods = {"width"};
  EXPECT_DOUBLE_EQ(itm::estimate_sweep(itm::plan_sweep(spec), {}).seconds, 1000.0 * (24 + 16 + 20));

  RankOptions all = options;
  all.method = "all";
  all.itm.iterations = 5;
  const RankReport every = itm::rank_zoo(itm::discover_zoo(folder.path()), all);
  EXPECT_EQ(every.results.back().method, "width");
}

TEST(Protocol, RefusesAMethodThatCannotBe) {
  register_width();
  itm::Estimator bad = itm::find_estimator("width");
  EXPECT_THROW(itm::register_estimator(bad), itm::InputError) << "the name is taken";
  bad.name = "Wide Load";
  EXPECT_THROW(itm::register_estimator(bad), itm::InputError);
  bad.name = "fine";
  bad.open = {};
  EXPECT_THROW(itm::register_estimator(bad), itm::InputError);
}

TEST(Protocol, SaysWhereEveryResultWasComputed) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  RankOptions options;
  options.method = {"itm", "logme"};
  options.itm.iterations = 5;
  options.device = itm::Backend::cpu;
  const RankReport report = itm::rank_zoo(itm::discover_zoo(folder.path()), options);
  EXPECT_EQ(report.backend, "cpu");
  EXPECT_EQ(report.results[0].place.backend, "cpu");
  EXPECT_EQ(report.results[0].place.precision, "float32") << "ITM's default";
  EXPECT_EQ(report.results[1].place.precision, "float64");
  EXPECT_NE(report.results[1].place.device.find("OpenBLAS"), std::string::npos) << report.results[1].place.device;
}

TEST(Protocol, AMethodWithoutAGpuPathIsNotSaidToHaveOne) {
  register_width();
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  RankOptions options;
  options.method = "width";
  options.device = itm::Backend::cuda;
  try {
    (void)itm::rank_zoo(itm::discover_zoo(folder.path()), options);
    FAIL() << "it was scored on the CPU";
  } catch (const itm::DeviceError& error) {
    EXPECT_STREQ(error.what(), "width has no GPU path; pass --backend auto or cpu");
  }
}

TEST(Protocol, ProgressGrowsToTheEndAndNamesWhatWasDone) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  RankOptions options;
  options.method = {"itm", "logme"};
  options.itm.iterations = 5;
  options.repeats = 2;
  options.threads = 3;
  std::vector<itm::RankProgress> told;
  options.progress = [&](const itm::RankProgress& p) { told.push_back(p); };
  (void)itm::rank_zoo(itm::discover_zoo(folder.path()), options);
  ASSERT_FALSE(told.empty());
  for (std::size_t i = 1; i < told.size(); ++i) {
    EXPECT_GE(told[i].work, told[i - 1].work);
    EXPECT_GE(told[i].done, told[i - 1].done);
    EXPECT_EQ(told[i].total, 3U * 2 + 3) << "two seeds of ITM, one LogME";
    EXPECT_FALSE(told[i].model.empty());
  }
  EXPECT_EQ(told.back().done, told.back().total);
  EXPECT_EQ(told.back().work, 1.0);
}

/// One reckoning for warnings, the bar and sweeps: the method's cost of the rows that are scored, of all its models.
TEST(Protocol, TellsWhatIsExpectedBeforeTheFirstScore) {
  itm::testing::TemporaryFolder folder;
  itm::testing::write_small_zoo(folder.path());
  const itm::Zoo zoo = itm::discover_zoo(folder.path());
  itm::RankOptions options;
  options.method = {"logme", "knn"};
  options.rows = 50;
  std::vector<itm::ExpectedWork> expected;
  options.expected = [&](const itm::ExpectedWork& work) { expected.push_back(work); };
  options.progress = [&](const itm::RankProgress&) { EXPECT_EQ(expected.size(), 2U); };
  (void)itm::rank_zoo(zoo, options);
  ASSERT_EQ(expected.size(), 2U);
  std::vector<itm::Workload> models;
  for (const itm::ZooEntry& entry : zoo.entries("made")) {
    models.push_back(itm::workload_of(entry, itm::read_entry_labels(entry)));
  }
  for (const itm::ExpectedWork& work : expected) {
    EXPECT_EQ(work.dataset, "made");
    EXPECT_EQ(work.models, 3U);
    EXPECT_EQ(work.rows, 50);
    EXPECT_DOUBLE_EQ(work.seconds, itm::find_estimator(work.method).cost_of(models, options).seconds);
    EXPECT_LT(work.seconds, itm::find_estimator(work.method).cost_of(models, {}).seconds) << "150 rows cost more";
  }
}

TEST(Protocol, SeveralModelsCostTheSumOfTheirSecondsAndTheMemoryOfTheLargest) {
  const itm::Workload small{1000, 256, 10, 1e6};
  const itm::Workload large{1000, 2048, 10, 8e6};
  for (const itm::Estimator& method : itm::estimators()) {
    const itm::Cost both = method.cost_of(std::vector{small, large}, {});
    EXPECT_DOUBLE_EQ(both.seconds, method.cost_of(small, {}).seconds + method.cost_of(large, {}).seconds);
    EXPECT_DOUBLE_EQ(both.bytes, std::max(method.cost_of(small, {}).bytes, method.cost_of(large, {}).bytes));
  }
}

/// Of the same scores: groups of rows are left out only where that is cheap.
TEST(Protocol, CostsGrowWithTheWork) {
  RankOptions once;
  once.jackknife = 0;
  for (const itm::Estimator& method : itm::estimators()) {
    const itm::Cost small = method.cost_of(itm::Workload{1000, 256, 10, 1e6}, once);
    const itm::Cost rows = method.cost_of(itm::Workload{8000, 256, 10, 8e6}, once);
    const itm::Cost dims = method.cost_of(itm::Workload{1000, 2048, 10, 8e6}, once);
    EXPECT_GT(small.seconds, 0) << method.name;
    EXPECT_GT(rows.bytes, 0) << method.name;
    EXPECT_GE(rows.seconds, small.seconds) << method.name;
    EXPECT_GE(dims.seconds, small.seconds) << method.name;
  }
}

}  // namespace
