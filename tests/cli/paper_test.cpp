// `itm paper` from end to end: the tables in three formats, and a ranking beside them.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "itm/zoo.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

TEST(Paper, PrintsEveryTableAsPrinted) {
  const Json all = json_of({"paper"});
  ASSERT_EQ(all["tables"].size(), 3U);
  EXPECT_EQ(all["tables"][0]["rows"][6]["method"], "ITM");
  EXPECT_EQ(all["tables"][0]["rows"][6]["average"], 0.61);
  const Finished table = run_itm({"paper", "table1"});
  EXPECT_NE(table.out.find("PED                       0.32  -0.01      0.51     0.77  0.06     -0.20"),
            std::string::npos)
      << table.out;
}

TEST(Paper, Table3IsATruthFile) {
  TemporaryFolder folder;
  const std::string file = (folder / "truth.csv").string();
  ASSERT_EQ(run_itm({"paper", "table3", "--out", file}).status, 0);
  const GroundTruth truth = read_ground_truth(file);
  EXPECT_EQ(truth.datasets.size(), 10U);
  EXPECT_EQ(truth.accuracy.at("Pets").at("ResNet-18"), 88.50);
}

TEST(Paper, SetsARankingBesideItsTables) {
  TemporaryFolder folder;
  write_small_zoo(folder.path(), "oxford-pets");
  write_text(folder / "truth.csv", "model,oxford-pets\ngood,95\nfair,70\npoor,30\n");
  const std::string ranking = (folder / "ranking.json").string();
  const Finished ranked = run_itm({"rank", folder.path().string(), "--truth", (folder / "truth.csv").string(),
                                   "--method", "itm,logme", "--out", ranking});
  ASSERT_EQ(ranked.status, 0) << ranked.err;
  const Json expected = Json::parse(text_of(ranking))["results"][0];
  const Json beside = json_of({"paper", "table1", "--beside", ranking});
  ASSERT_EQ(beside["datasets"][8], "Pets");
  std::size_t own = 0;
  for (const Json& row : beside["rows"]) {
    own += row["source"] == "yours" ? 1 : 0;
    if (row["source"] == "yours" && row["method"] == "ITM") {
      EXPECT_EQ(row["values"][8], row["measure"] == "seconds" ? expected["seconds"] : expected["agreement"]["tau_w"]);
      EXPECT_TRUE(row["values"][0].is_null());
    }
  }
  EXPECT_EQ(own, 4U) << "two methods, tau_w and seconds";
  EXPECT_NE(run_itm({"paper", "table4", "--beside", ranking}).out.find("ITM, yours"), std::string::npos);
}

TEST(Paper, RefusesWhatItCannotSetBeside) {
  TemporaryFolder folder;
  write_text(folder / "scores.csv", "model,score\na,1\nb,2\n");
  const std::string scores = (folder / "scores.csv").string();
  for (const auto& [arguments, says] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"paper", "table2"}, "'table2' is not one of table1|table3|table4"},
           {{"paper", "table1", "--beside", scores}, "has no figure to set beside table1"},
           {{"paper", "table3", "--beside", scores}, "name table1 or table4"},
           {{"paper", "--format", "csv"}, "name table1, table3 or table4"}}) {
    const Finished run = run_itm(arguments);
    EXPECT_EQ(run.status, 2);
    EXPECT_NE(run.err.find(says), std::string::npos) << run.err;
  }
}

}  // namespace
}  // namespace itm::testing
