// The HTML page of a sweep: what a researcher asks of it, from the numbers in its JSON block.

#include <gtest/gtest.h>

#include "made_sweep.hpp"
#include "report/page_data.hpp"

namespace itm::testing {
namespace {

SweepRow paged_row(const std::string& method, const std::string& dataset,
                   std::vector<std::pair<std::string, SettingValue>> settings, std::optional<double> tau,
                   const std::vector<std::string>& models) {
  SweepRow row;
  row.unit.dataset = dataset;
  row.unit.method = method;
  row.unit.settings = std::move(settings);
  if (tau) {
    row.result.agreement.emplace().tau_w = tau;
  }
  for (const std::string& model : models) {
    row.result.models.emplace_back().model = model;
    row.result.models.back().rank = static_cast<int>(row.result.models.size());
  }
  row.seconds = 2;
  return row;
}

/// itm with two rates and two seeds on two data sets, and a method without settings on one of them.
SweepReport paged_report() {
  SweepReport report;
  const std::vector<std::string> order{"good", "fair"};
  const std::vector<std::string> turned{"fair", "good"};
  for (const double eta : {0.5, 0.25}) {
    for (const double seed : {0.0, 1.0}) {
      report.rows.push_back(paged_row("itm", "first", {{"eta", eta}, {"seed", seed}}, eta + 0.25 * seed, order));
    }
  }
  report.rows.push_back(paged_row("logme", "first", {}, 0.875, turned));
  for (const double eta : {0.5, 0.25}) {
    for (const double seed : {0.0, 1.0}) {
      report.rows.push_back(
          paged_row("itm", "second", {{"eta", eta}, {"seed", seed}}, 0.125, seed == 0 ? order : turned));
    }
  }
  report.units = 12;
  return report;
}

TEST(SweepPage, CombinationsComeBestFirst) {
  const std::string page = to_html(paged_report());
  const Json data = data_of(page);
  EXPECT_EQ(column(data, "summary", "method and settings"), Json({"logme", "itm eta=0.5", "itm eta=0.25"}));
  EXPECT_EQ(column(data, "summary", "tau_w:first"), Json({0.875, 0.625, 0.375}));
  EXPECT_EQ(column(data, "summary", "tau_w:second"), Json({nullptr, 0.125, 0.125}));
  EXPECT_EQ(column(data, "summary", "mean"), Json({0.875, 0.375, 0.25}));
  EXPECT_EQ(column(data, "summary", "seconds"), Json({2, 4, 4}));
  EXPECT_EQ(section(data, "summary")["data"]["sorted"], "mean");
  EXPECT_PRED2(says, page, "<td>0.625 ± 0.177</td>");
  EXPECT_PRED2(says, page, "9 of 12 units: 3 combinations of method and settings on 2 data sets; best: logme");
}

TEST(SweepPage, EverySettingThatVariesHasItsPlot) {
  const Json data = data_of(to_html(paged_report()));
  const Json eta = section(data, "setting-1");
  EXPECT_EQ(eta["kind"], "lines");
  EXPECT_EQ(eta["data"]["x"]["setting"], true) << "may stand evenly where it doubles";
  EXPECT_EQ(eta["data"]["x"]["values"], Json({0.25, 0.5})) << "numbers ascend, whatever the order of the spec";
  const Json& series = eta["data"]["series"];
  ASSERT_EQ(series.size(), 3U) << "one method: its mean and a line per data set";
  EXPECT_EQ(series[0]["name"], "mean");
  EXPECT_NEAR(series[0]["values"][0].get<double>(), (0.25 + 0.5 + 0.125 + 0.125) / 4, 1e-12);
  EXPECT_EQ(series[2]["name"], "second");
  EXPECT_TRUE(section(data, "setting-2").is_null()) << "seeds are repetitions, not a setting to compare";
  EXPECT_EQ(section(data, "spread")["data"]["x"]["values"][0], Json({0.875}));
  EXPECT_EQ(section(data, "spread")["data"]["x"]["values"][1].size(), 4U);
}

TEST(SweepPage, WordsAreBoxesAndMethodsThatShareASettingAreLines) {
  SweepReport report;
  for (const char* method : {"sfda", "logme"}) {
    for (const double rows : {1.0, 2.0}) {
      for (const char* variant : {"published", "exact"}) {
        report.rows.push_back(paged_row(method, "only", {{"rows", rows}, {"variant", std::string(variant)}}, 0.5, {}));
      }
    }
  }
  const Json data = data_of(to_html(report));
  EXPECT_EQ(section(data, "setting-1")["data"]["series"].size(), 2U);
  EXPECT_EQ(section(data, "setting-1")["data"]["each"], "method");
  EXPECT_EQ(section(data, "setting-2")["kind"], "box");
  EXPECT_EQ(section(data, "setting-2")["data"]["names"], Json({"published", "exact"}));
  EXPECT_EQ(section(data, "setting-2")["data"]["x"]["values"][0].size(), 4U);
}

TEST(SweepPage, ModelsShowHowTheyRankedOverTheUnits) {
  const Json data = data_of(to_html(paged_report()));
  EXPECT_EQ(column(data, "models-1", "model"), Json({"good", "fair"}));
  EXPECT_EQ(column(data, "models-1", "mean rank"), Json({1.2, 1.8}));
  EXPECT_EQ(column(data, "models-1", "first"), Json({4, 1}));
  EXPECT_EQ(column(data, "models-1", "worst"), Json({2, 2}));
  EXPECT_EQ(column(data, "models-2", "units"), Json({4, 4}));
  EXPECT_EQ(column(data, "units", "settings").size(), 9U);
}

TEST(SweepPage, WithoutTruthItNamesTheModelThatCameFirst) {
  SweepReport report = paged_report();
  for (SweepRow& row : report.rows) {
    row.result.agreement.reset();
  }
  const Json data = data_of(to_html(report));
  EXPECT_EQ(column(data, "summary", "first:first"), Json({"good", "good", "fair"}));
  EXPECT_TRUE(section(data, "cost").is_null());
  EXPECT_EQ(section(data, "seconds")["kind"], "dots");
  EXPECT_TRUE(column(data, "units", "tau_w").is_null());
}

TEST(SweepPage, NamesAndMessagesAreText) {
  SweepReport report;
  report.rows.push_back(paged_row("itm", "<b>set</b>", {}, 0.5, {"<i>"}));
  report.rows.back().failures.push_back({"<b>set</b>", "x", "itm", "row 3 is <NaN>"});
  const std::string page = to_html(report);
  EXPECT_EQ(static_part(page).find("<b>"), std::string::npos);
  EXPECT_EQ(static_part(page).find("<i>"), std::string::npos);
  EXPECT_PRED2(says, page, "row 3 is &lt;NaN&gt;");
}

TEST(SweepPage, TheCommandWritesItOfShardsAndMergesToo) {
  const MadeSweep sweep;
  const auto run = [&](std::vector<std::string> command, const std::string& page) {
    command.insert(command.end(), {"--html", sweep.file("page.html").string()});
    const Finished finished = run_itm(command);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return text_of(sweep.file(page));
  };
  for (const std::string shard : {"1", "2"}) {
    std::vector<std::string> command = sweep.command("journal");
    command.insert(command.end(), {"--shard", shard + "/2"});
    EXPECT_PRED2(says, run(command, "page." + shard + "-of-2.html"), "12 of 24 units");
  }
  EXPECT_FALSE(std::filesystem::exists(sweep.file("page.html"))) << "shards would write over one another";
  std::vector<std::string> merge = sweep.command("journal");
  merge.insert(merge.begin() + 1, "merge");
  const std::string page = run(merge, "page.html");
  EXPECT_PRED2(says, page, "24 units: 4 combinations");
  EXPECT_PRED2(says, page, "Sweep: sweep");
}

TEST(SweepPage, APageThatCannotBeIsRefusedBeforeTheWork) {
  const MadeSweep sweep;
  std::vector<std::string> command = sweep.command("journal");
  command.insert(command.end(), {"--html", sweep.file("nowhere/page.html").string()});
  const Finished refused = run_itm(command);
  EXPECT_EQ(refused.status, 2);
  EXPECT_PRED2(says, refused.err, "does not exist; create it first");
  EXPECT_FALSE(std::filesystem::exists(sweep.file("journal")));
  command.back() = sweep.file("journal").string();
  EXPECT_PRED2(says, run_itm(command).err, "is the journal; name another file");
  EXPECT_FALSE(std::filesystem::exists(sweep.file("journal")));
  command.back() = sweep.file("page.html").string();
  command.emplace_back("--dry-run");
  EXPECT_PRED2(says, run_itm(command).err, "a dry run has nothing to show in a page");
}

}  // namespace
}  // namespace itm::testing
