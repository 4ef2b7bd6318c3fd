// What scripts rely on: help, formats, exit statuses, determinism.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

class OnASmallZoo : public ::testing::Test {
 protected:
  void SetUp() override {
    write_small_zoo(folder_.path());
    zoo_ = folder_.path().string();
    write_text(folder_ / "truth.csv", "model,made\ngood,95\nfair,70\npoor,30\n");
  }
  TemporaryFolder folder_;
  std::string zoo_;
};

const std::vector<std::string> commands{"rank",   "score", "correlate", "inspect", "synth",  "replay",
                                        "verify", "bench", "paper",     "evolve",  "choose", "evaluate"};

TEST(Help, EveryCommandExplainsItsOptionsAndShowsAnExample) {
  for (const std::string& command : commands) {
    const Finished help = run_itm({command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_EQ(help.err, "") << command;
    EXPECT_NE(help.out.find("Examples:\n  itm " + command), std::string::npos) << help.out;
    for (const char* option : {"--format", "--out", "--seed", "--threads", "--backend", "--quiet", "--verbose"}) {
      EXPECT_NE(help.out.find(option), std::string::npos) << command << " " << option;
    }
  }
}

TEST(Help, TheProgramListsItsCommandsAndItsVersion) {
  const Finished help = run_itm({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const std::string& command : commands) {
    EXPECT_NE(help.out.find("\n  " + command + " "), std::string::npos) << command;
  }
  const Finished version = run_itm({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out.rfind("itm ", 0), 0U);
}

TEST(Help, WithoutACommandItIsShownAndTheStatusSaysThatNothingWasDone) {
  const Finished nothing = run_itm({});
  EXPECT_EQ(nothing.status, 2);
  EXPECT_EQ(nothing.out, run_itm({"--help"}).out);
}

TEST_F(OnASmallZoo, RankJsonFollowsTheSchema) {
  const Finished ranked =
      run_itm({"rank", zoo_, "--truth", zoo_ + "/truth.csv", "--format", "json", "--bootstrap", "50"});
  ASSERT_EQ(ranked.status, 0) << ranked.err;
  EXPECT_EQ(ranked.err, "");
  const Json json = Json::parse(ranked.out);
  EXPECT_EQ(json["schema"], "itm.rank/1");
  ASSERT_EQ(json["results"].size(), 1U);
  const Json& result = json["results"][0];
  EXPECT_EQ(result["dataset"], "made");
  EXPECT_EQ(result["method"], "itm");
  std::vector<std::string> order;
  for (const Json& model : result["models"]) {
    order.push_back(model["model"]);
    EXPECT_EQ(model["rank"], order.size());
    EXPECT_TRUE(model["score"].is_number() && model["seconds"].is_number() && model["details"].is_object());
  }
  EXPECT_EQ(order, (std::vector<std::string>{"good", "fair", "poor"}));
  EXPECT_EQ(result["agreement"]["tau_w"], 1.0);
  EXPECT_EQ(result["agreement"]["tau_w_interval"].size(), 2U);
  EXPECT_TRUE(json["failures"].empty());
}

TEST_F(OnASmallZoo, OutHoldsWhatStandardOutputWouldAndItsEndingSetsTheFormat) {
  for (const std::string ending : {"json", "csv", "txt"}) {
    const std::string file = zoo_ + "/ranking." + ending;
    const Finished ranked = run_itm({"rank", zoo_, "--iterations", "100", "--out", file});
    ASSERT_EQ(ranked.status, 0) << ranked.err;
    EXPECT_EQ(ranked.out + ranked.err, "itm: wrote " + file + "\n");
    const std::string text = text_of(file);
    EXPECT_EQ(ending == "json", Json::accept(text));
    EXPECT_EQ(ending == "csv",
              text.starts_with("dataset,method,rank,model,score,truth,seconds,error,group,backend,device,"
                               "precision,record\n"));
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
}

TEST_F(OnASmallZoo, KeepGoingRanksTheOthersAndNamesTheFailure) {
  write_text(folder_ / "broken_made_feature.npy", "no array");
  std::filesystem::copy(folder_ / "good_made_label.npy", folder_ / "broken_made_label.npy");
  EXPECT_EQ(run_itm({"rank", zoo_}).status, 2);
  const Finished ranked = run_itm({"rank", zoo_, "--keep-going", "--format", "json"});
  ASSERT_EQ(ranked.status, 0) << ranked.err;
  const Json json = Json::parse(ranked.out);
  EXPECT_EQ(json["results"][0]["models"].size(), 3U);
  ASSERT_EQ(json["failures"].size(), 1U);
  EXPECT_EQ(json["failures"][0]["model"], "broken");
  EXPECT_NE(ranked.err.find("broken_made_feature.npy"), std::string::npos);
}

TEST_F(OnASmallZoo, NothingOnAPipeIsColouredOrAnimated) {
  const Finished ranked = run_itm({"rank", zoo_, "--truth", zoo_ + "/truth.csv"});
  EXPECT_EQ(ranked.status, 0);
  EXPECT_EQ(ranked.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(ranked.err, "");
}

TEST_F(OnASmallZoo, HtmlIsWrittenBesideTheResult) {
  const std::string file = zoo_ + "/report.html";
  const Finished ranked = run_itm(
      {"rank", zoo_, "--truth", zoo_ + "/truth.csv", "--iterations", "100", "--html", file, "--format", "json"});
  ASSERT_EQ(ranked.status, 0) << ranked.err;
  const Json json = Json::parse(ranked.out);
  const std::string page = text_of(file);
  EXPECT_EQ(page.rfind("<!DOCTYPE html>", 0), 0U);
  const std::string opening = R"(id="data">)";
  const std::size_t from = page.find(opening) + opening.size();
  const Json data = Json::parse(page.substr(from, page.find("</script>", from) - from));
  const Json& columns = data["sections"][0]["data"]["columns"];
  ASSERT_EQ(columns[2]["key"], "score");
  for (std::size_t m = 0; m < 3; ++m) {
    const Json& model = json["results"][0]["models"][m];
    EXPECT_EQ(columns[1]["values"][m], model["model"]);
    EXPECT_EQ(columns[2]["values"][m], model["score"]);
    EXPECT_TRUE(model["details"]["feature_mean"].is_number() && model["details"]["feature_variance"].is_number());
  }
  EXPECT_NE(page.find("<dt>truth</dt><dd>" + zoo_ + "/truth.csv</dd>"), std::string::npos);
}

TEST(Output, AFullDiskIsAnErrorAndNotAShorterResult) {
  TemporaryFolder folder;
  write_small_zoo(folder.path());
  const Finished ranked = run_itm({"inspect", folder.path().string(), "--out", "/dev/full"});
  EXPECT_EQ(ranked.status, 2);
  EXPECT_NE(ranked.err.find("No space left"), std::string::npos) << ranked.err;
}

}  // namespace
}  // namespace itm::testing
