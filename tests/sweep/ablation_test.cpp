// The ablations: their sweeps, what is made of the finished units, and the command.

#include "itm/ablation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sweep/made_sweep.hpp"

namespace {

using itm::Ablation;
using itm::AblationInput;
using itm::AblationReport;
using itm::find_ablation;
using itm::SettingValue;
using itm::SweepReport;
using itm::SweepRow;
using itm::testing::Json;
using itm::testing::MadeSweep;
using itm::testing::refusal;
using itm::testing::run_itm;
using itm::testing::says;
using itm::testing::without_seconds;

/// A finished unit with a tau_w, as if ITM had run.
SweepRow row_of(const std::string& dataset, std::vector<std::pair<std::string, SettingValue>> settings, double tau_w,
                double seconds) {
  SweepRow row;
  row.unit.dataset = dataset;
  row.unit.method = "itm";
  row.unit.settings = std::move(settings);
  row.result.models.resize(2);
  row.result.seconds = seconds;
  row.result.agreement.emplace();
  row.result.agreement->tau_w = tau_w;
  return row;
}

const Ablation two_by_two{.name = "made",
                          .description = "Made",
                          .paper = "",
                          .rows = {{"eta", {0.25, 0.5}}},
                          .columns = itm::SettingValues{"adaptive", {std::string("off"), std::string("on")}}};

TEST(Ablation, EachIsASweepThatCanBePlanned) {
  const MadeSweep made;
  for (const Ablation& ablation : itm::ablations()) {
    const AblationInput input{.zoo = made.file("zoo"), .truth = made.file("truth.csv"), .seeds = 2};
    std::size_t cells = ablation.columns ? ablation.columns->second.size() : 1;
    for (const auto& [name, values] : ablation.rows) {
      cells *= values.size();
    }
    EXPECT_EQ(plan_sweep(sweep_of(ablation, input)).units.size(), 2 * 2 * cells) << ablation.name;
  }
}

TEST(Ablation, TakesOtherValuesOfItsFirstSetting) {
  const Ablation steps = with_values(find_ablation("steps"), {"3", "5"});
  EXPECT_EQ(steps.rows.front().second, (std::vector<SettingValue>{3.0, 5.0}));
  EXPECT_EQ(with_values(find_ablation("centres"), {"pca"}).rows.front().second,
            std::vector<SettingValue>{std::string("pca")});
  EXPECT_EQ(refusal([] { (void)with_values(find_ablation("steps"), {"half"}); }).substr(0, 26),
            "--values: 'half' is not a ");
  EXPECT_EQ(refusal([] {
              (void)with_values(find_ablation("steps"), {"3", "3"});
            }),
            "--values: '3' is there twice; pass each value once");
}

TEST(Ablation, BatchesGoAsFarAsTheRows) {
  const auto largest = [](std::size_t rows) {
    return std::get<double>(with_batches_up_to(find_ablation("batch-size"), rows).rows.front().second.back());
  };
  EXPECT_EQ(largest(30), 64);
  EXPECT_EQ(largest(1600), 1024);
  EXPECT_EQ(largest(5000), 4096);
  EXPECT_EQ(largest(100'000), 16384);
}

TEST(Ablation, OtherSettingsHoldInEveryCellAndVariedOnesAreRefused) {
  const MadeSweep made;
  AblationInput input{.zoo = made.file("zoo"), .truth = made.file("truth.csv")};
  input.settings = {{"iterations", 20.0}};
  for (const itm::SweepUnit& unit : plan_sweep(sweep_of(find_ablation("eta"), input)).units) {
    EXPECT_PRED2(says, unit.key, "\"iterations\":20");
  }
  EXPECT_PRED2(says, refusal([&] { (void)sweep_of(find_ablation("batch-size"), input); }),
               "--iterations is what the ablation batch-size varies");
  EXPECT_PRED2(says, refusal([] { (void)find_ablation("depth"); }), "there is no ablation 'depth'; choose one of");
}

TEST(Ablation, ACellIsTheMeanOverDataSetsAndItsSpreadIsOverSeeds) {
  SweepReport sweep;
  for (const double seed : {0.0, 1.0}) {
    for (const double eta : {0.25, 0.5}) {
      for (const char* adaptive : {"off", "on"}) {
        const bool chosen = eta == 0.5 && std::string(adaptive) == "on";
        const auto settings = std::vector<std::pair<std::string, SettingValue>>{
            {"eta", eta}, {"adaptive", std::string(adaptive)}, {"seed", seed}};
        sweep.rows.push_back(row_of("first", settings, chosen ? 0.9 - 0.2 * seed : 0.1, 4));
        sweep.rows.push_back(row_of("second", settings, chosen ? 0.5 : 0.1, 2));
      }
    }
  }
  const AblationReport report = summarise(two_by_two, sweep);
  EXPECT_EQ(report.rows, (std::vector<std::string>{"eta=0.25", "eta=0.5"}));
  EXPECT_EQ(report.columns, (std::vector<std::string>{"off", "on"}));
  EXPECT_EQ(report.seeds, 2U);
  const itm::AblationCell& chosen = report.cells[1][1];
  ASSERT_EQ(chosen.tau_w.size(), 2U);
  EXPECT_DOUBLE_EQ(chosen.tau_w[0], 0.7);
  EXPECT_DOUBLE_EQ(chosen.tau_w[1], 0.6);
  EXPECT_DOUBLE_EQ(chosen.mean().value(), 0.65);
  EXPECT_DOUBLE_EQ(chosen.spread().value(), 0.1 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(chosen.datasets.at(0).second, 0.8);
  EXPECT_DOUBLE_EQ(chosen.seconds, 1.5);  // (4 + 2) / 2 over two models each
  EXPECT_DOUBLE_EQ(report.cells[0][1].mean().value(), 0.1);

  const Json json = Json::parse(to_json(report));
  EXPECT_EQ(json["schema"], "itm.ablation/1");
  EXPECT_EQ(json["columns"]["setting"], "adaptive");
  EXPECT_EQ(json["cells"].size(), 4U);
  EXPECT_DOUBLE_EQ(json["cells"][3]["tau_w"].get<double>(), 0.65);
  EXPECT_PRED2(says, to_csv(report), "eta=0.5,on,1,0.6");
}

TEST(Ablation, DataSetsWithoutTruthAreLeftOutAndNoneAtAllIsRefused) {
  SweepReport sweep;
  sweep.rows.push_back(row_of("first", {{"eta", 0.25}, {"adaptive", std::string("on")}, {"seed", 0.0}}, 0.5, 1));
  sweep.rows.back().result.agreement.reset();
  EXPECT_PRED2(says, refusal([&] { (void)summarise(two_by_two, sweep); }), "no data set has a tau_w");
}

TEST(Ablation, TheCommandGoesOnFromItsJournal) {
  const MadeSweep made;
  const std::vector<std::string> command{"ablate",
                                         "steps",
                                         made.file("zoo").string(),
                                         "--truth",
                                         made.file("truth.csv").string(),
                                         "--seeds",
                                         "1",
                                         "--iterations",
                                         "20",
                                         "--journal",
                                         made.file("steps.jsonl").string()};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    return run_itm(more);
  };
  const auto first = with({"--format", "json", "--html", made.file("steps.html").string()});
  ASSERT_EQ(first.status, 0) << first.err;
  const auto again = with({"--format", "json"});
  ASSERT_EQ(again.status, 0) << again.err;
  // Sums of seconds are taken in another order when they come from the journal.
  EXPECT_EQ(without_seconds(Json::parse(first.out)["cells"]), without_seconds(Json::parse(again.out)["cells"]));
  EXPECT_EQ(itm::testing::lines_of(made.file("steps.jsonl")).size(), 1U + 2 * 5);
  EXPECT_PRED2(says, with({}).out, "10 rankings from the journal");
  EXPECT_PRED2(says, itm::testing::text_of(made.file("steps.html")), "tau_w by steps");
}

}  // namespace
