// What a sweep says at its end.

#include <gtest/gtest.h>

#include <algorithm>

#include "made_sweep.hpp"

namespace itm::testing {
namespace {

SweepRow made_row(const std::string& dataset, double eta, double seed, double tau, double seconds) {
  SweepRow row;
  row.unit.dataset = dataset;
  row.unit.method = "itm";
  row.unit.settings = {{"steps", 1.0}, {"eta", eta}, {"seed", seed}};
  row.result.agreement.emplace().tau_w = tau;
  row.result.models.emplace_back().model = seed == 0 ? "fair" : "good";
  row.seconds = seconds;
  return row;
}

SweepReport made_report() {
  SweepReport report;
  report.units = 5;
  for (const double seed : {0.0, 1.0, 2.0}) {
    report.rows.push_back(made_row("first", 0.25, seed, 0.4 + 0.1 * seed, 1 + seed));
  }
  report.rows.push_back(made_row("second", 0.25, 0, 0.7, 4));
  report.rows.push_back(made_row("second", 0.5, 0, -1, 4));
  return report;
}

TEST(SweepReport, SummaryIsTheMeanAndSpreadOverSeeds) {
  const std::vector<SweepSummary> summaries = summarise(made_report());
  ASSERT_EQ(summaries.size(), 2U);
  const SweepSummary& quarter = summaries[0];
  const std::vector<std::pair<std::string, SettingValue>> settings{{"steps", 1.0}, {"eta", 0.25}};
  EXPECT_EQ(quarter.settings, settings);
  ASSERT_EQ(quarter.datasets.size(), 2U);
  EXPECT_EQ(quarter.datasets[0].first, "first");
  const SweepCell& cell = quarter.datasets[0].second;
  EXPECT_EQ(cell.seeds, 3U);
  EXPECT_NEAR(*cell.tau_w, 0.5, 1e-12);
  EXPECT_NEAR(*cell.spread, 0.1, 1e-12) << "n - 1 in the denominator";
  EXPECT_NEAR(cell.seconds, 2, 1e-12);
  EXPECT_EQ(cell.best, "good") << "first in two of three";
  EXPECT_FALSE(quarter.datasets[1].second.spread) << "one seed has none";
  EXPECT_NEAR(*quarter.tau_w, 0.6, 1e-12) << "over data sets";
  EXPECT_EQ(summaries[1].datasets.size(), 1U);
}

TEST(SweepReport, TableShowsTheSettingsThatVary) {
  const std::string table = to_table(made_report(), false);
  EXPECT_PRED2(says, table, "eta=0.25  0.500 ± 0.100");
  EXPECT_PRED2(says, table, "eta=0.5 ");
  EXPECT_EQ(table.find("steps"), std::string::npos);
  EXPECT_PRED2(says, table, "5 units, 2 data sets");
}

TEST(SweepReport, CommandWritesEveryForm) {
  const MadeSweep sweep;
  const auto run = [&](const std::string& format) {
    std::vector<std::string> command = sweep.command("journal");
    command.insert(command.end(), {"--format", format});
    const Finished finished = run_itm(command);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  };
  const Json json = Json::parse(run("json"));
  EXPECT_EQ(json["schema"], "itm.sweep.report/1");
  ASSERT_EQ(json["rows"].size(), MadeSweep::units);
  ASSERT_EQ(json["summary"].size(), 4U);
  EXPECT_EQ(json["summary"][0]["datasets"][0]["seeds"], 3);
  EXPECT_EQ(json["rows"][0]["models"][0]["truth"], 90);
  EXPECT_EQ(json["rows"][0]["agreement"]["models"], 3);
  const std::string csv = run("csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 3 * static_cast<int>(MadeSweep::units));
  EXPECT_PRED2(says, run("table"), "linear_probe");
}

TEST(SweepReport, DryRunTellsAndDoesNothing) {
  const MadeSweep sweep;
  std::vector<std::string> command = sweep.command("journal");
  command.emplace_back("--dry-run");
  EXPECT_PRED2(says, run_itm(command).out, "24 units, data set by data set");
  EXPECT_PRED2(says, run_itm(command).out, "0 of 24 finished; the others take about");
  EXPECT_FALSE(std::filesystem::exists(sweep.file("journal")));
  ASSERT_EQ(run_itm(sweep.command("journal")).status, 0);
  EXPECT_PRED2(says, run_itm(command).out, "24 of 24 finished; the others take about 0 s");
  command.insert(command.end(), {"--shard", "1/3"});
  EXPECT_PRED2(says, run_itm(command).out, "0 of 8 in this shard finished");
  command.insert(command.end(), {"--format", "json"});
  EXPECT_EQ(Json::parse(run_itm(command).out)["units"].size(), MadeSweep::units);
}

TEST(SweepReport, CommandRefusesWhatContradicts) {
  const MadeSweep sweep;
  const std::string spec = sweep.spec().string();
  EXPECT_PRED2(says, run_itm({"sweep", spec, "--seed", "3"}).err, "seeds of a sweep stand in its spec");
  EXPECT_PRED2(says, run_itm({"sweep", spec, spec}).err, "unexpected argument");
  EXPECT_PRED2(says, run_itm({"sweep", "merge", spec, "--dry-run"}).err, "takes neither");
  EXPECT_PRED2(says, run_itm({"sweep"}).err, "required");
}

}  // namespace
}  // namespace itm::testing
