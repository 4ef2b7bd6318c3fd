// score, correlate, inspect and synth, from end to end.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "paths.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

class Commands : public ::testing::Test {
 protected:
  void SetUp() override { write_small_zoo(folder_.path()); }
  [[nodiscard]] std::string file(const std::string& name) const { return (folder_ / name).string(); }
  TemporaryFolder folder_;
};

TEST_F(Commands, ScoreEqualsARankingOfThatModelAlone) {
  const Json score = json_of({"score", "--feature", file("fair_made_feature.npy"), "--label",
                              file("fair_made_label.npy"), "--model", "fair", "--seed", "4"});
  EXPECT_EQ(score["method"], "itm");
  EXPECT_TRUE(score["seconds"].is_number());
  EXPECT_EQ(score["details"]["eta"], 0.5);
  TemporaryFolder alone;
  for (const char* name : {"fair_made_feature.npy", "fair_made_label.npy"}) {
    std::filesystem::copy(folder_ / name, alone / name);
  }
  const Json ranked = json_of({"rank", alone.path().string(), "--seed", "4"});
  EXPECT_EQ(score["score"], ranked["results"][0]["models"][0]["score"]);
  EXPECT_EQ(score["details"], ranked["results"][0]["models"][0]["details"]);
}

TEST_F(Commands, TheZooMayComeBeforeOrAfterItsOptions) {
  const std::string zoo = folder_.path().string();
  const auto ranked = [](const std::vector<std::string>& arguments) {
    const Json json = json_of(arguments);
    EXPECT_EQ(json["results"].size(), 1U);
    return json["results"][0]["models"][0]["model"];
  };
  EXPECT_EQ(ranked({"rank", zoo, "--dataset", "made"}), "good");
  EXPECT_EQ(ranked({"rank", "--dataset", "made", zoo}), "good");
  EXPECT_EQ(ranked({"rank", "--dataset=made", "--method", "itm", zoo}), "good");
}

TEST_F(Commands, VerifySaysWhereEveryMethodWasComputed) {
  const Json json = json_of({"verify", folder_.path().string(), "--method", "logme,itm", "--method", "all",
                             "--iterations", "5", "--backend", "cpu"});
  std::vector<std::string> methods;
  for (const Json& result : json["results"]) {
    methods.push_back(result["method"]);
    EXPECT_EQ(result["backend"], "cpu");
    EXPECT_NE(result["device"].get<std::string>().find("OpenBLAS"), std::string::npos);
    EXPECT_EQ(result["precision"], methods.back() == "itm" ? "float32" : "float64");
    EXPECT_EQ(result["within_tolerance"], true) << methods.back();
  }
  ASSERT_GT(methods.size(), 10U) << "all that need features and labels alone";
  EXPECT_EQ(methods[0], "logme");
  EXPECT_EQ(methods[1], "itm");
  EXPECT_EQ(std::count(methods.begin(), methods.end(), "leep"), 0) << "needs outputs of the source head";
  EXPECT_EQ(run_itm({"verify", folder_.path().string(), "--method", "logmee"}).status, 2);
}

TEST_F(Commands, ScoreShowsTheCurve) {
  const Finished score =
      run_itm({"score", "--feature", file("good_made_feature.npy"), "--label", file("good_made_label.npy")});
  EXPECT_EQ(score.status, 0) << score.err;
  EXPECT_EQ(score.out.rfind("good_made  ", 0), 0U) << score.out;
  EXPECT_NE(score.out.find("\ncurve\n"), std::string::npos);
}

/// Every golden case through files and flags: what a person gets, not only what the library returns.
TEST_F(Commands, CorrelateEqualsTheGoldenReferences) {
  const Json cases = Json::parse(text_of(testing::test_data() + "/rank_correlation.json"))["cases"];
  for (const Json& c : cases) {
    std::string scores = "model,score\n";
    std::string truth = "model,made\n";
    for (std::size_t i = 0; i < c["pred"].size(); ++i) {
      const std::string model = fmt::format("m{}", i);
      scores += model + "," + c["pred"][i].dump() + "\n";
      truth += model + "," + c["gt"][i].dump() + "\n";
    }
    write_text(folder_ / "scores.csv", scores);
    write_text(folder_ / "truth.csv", truth);
    const Json agreement =
        json_of({"correlate", "--scores", file("scores.csv"), "--truth", file("truth.csv")})["results"][0]["agreement"];
    for (const auto& [key, golden] :
         std::vector<std::pair<std::string, std::string>>{{"tau_w", "itm_eq1_average_ranks_DIRECT"},
                                                          {"tau_w_scipy", "weightedtau_default"},
                                                          {"kendall", "kendalltau_b"},
                                                          {"spearman", "spearmanr"},
                                                          {"pearson", "pearsonr"}}) {
      if (c[golden].is_string()) {
        EXPECT_TRUE(agreement[key].is_null()) << c["name"] << " " << key;
      } else {
        ASSERT_TRUE(agreement[key].is_number()) << c["name"] << " " << key;
        EXPECT_NEAR(agreement[key].get<double>(), c[golden].get<double>(), 1e-12) << c["name"] << " " << key;
      }
    }
  }
}

TEST_F(Commands, CorrelateOfARankingFileRepeatsItsAgreement) {
  write_text(folder_ / "truth.csv", "model,made\ngood,40\nfair,70\npoor,30\n");
  for (const std::string ending : {"json", "csv"}) {
    ASSERT_EQ(run_itm({"rank", folder_.path().string(), "--out", file("ranking." + ending)}).status, 0);
    const Json direct = json_of({"rank", folder_.path().string(), "--truth", file("truth.csv")});
    const Json later = json_of({"correlate", "--scores", file("ranking." + ending), "--truth", file("truth.csv")});
    EXPECT_EQ(later["results"][0]["agreement"], direct["results"][0]["agreement"]);
  }
}

TEST_F(Commands, InspectShowsShapesStatisticsAndNoProblem) {
  const Json zoo = json_of({"inspect", folder_.path().string()});
  const Json& models = zoo["datasets"][0]["models"];
  ASSERT_EQ(models.size(), 3U);
  EXPECT_EQ(models[0]["model"], "fair");
  EXPECT_EQ(models[0]["dtype"], "float32");
  EXPECT_EQ(models[0]["rows"], 150);
  EXPECT_EQ(models[0]["dims"], 16);
  EXPECT_EQ(models[0]["classes"], 5);
  EXPECT_GT(models[0]["dispersion"], 0.0);
  EXPECT_TRUE(models[0]["problems"].empty());
}

TEST_F(Commands, InspectListsProblemsAndGoesOn) {
  write_text(folder_ / "broken_made_feature.npy", "no array");
  write_entry(folder_.path(), "other", "made", made_data(150, 8, 6, 1.0, 9));
  std::filesystem::copy(folder_ / "good_made_label.npy", folder_ / "broken_made_label.npy");
  auto values = made_data(150, 8, 5, 1.0, 9);
  values.values[77] = std::nanf("");
  write_entry(folder_.path(), "hole", "made", values);
  const Finished seen = run_itm({"inspect", folder_.path().string()});
  EXPECT_EQ(seen.status, 1) << "there are models that cannot be ranked";
  EXPECT_NE(seen.out.find("broken_made_feature.npy"), std::string::npos) << seen.out;
  EXPECT_NE(seen.out.find("other_made_label.npy: labels differ"), std::string::npos) << seen.out;
  EXPECT_NE(seen.out.find("hole_made_feature.npy: row"), std::string::npos) << seen.out;
  EXPECT_NE(seen.out.find("3 problems\n"), std::string::npos) << seen.out;
}

TEST_F(Commands, SynthMakesAZooWhoseOrderItmFinds) {
  const std::string zoo = file("new/zoo");
  const Json made = json_of({"synth", zoo, "--models", "5", "--rows", "600", "--dims", "16:48", "--classes", "4",
                             "--datasets", "2", "--dtype", "float16", "--seed", "3"});
  EXPECT_EQ(names_in(zoo).size(), 5U * 2 * 2 + 1);
  std::vector<std::string> best_first;
  for (const Json& model : made["models_best_first"]) {
    best_first.push_back(model["model"]);
  }
  EXPECT_FALSE(std::is_sorted(best_first.begin(), best_first.end())) << "names give the order away";
  const Json ranked = json_of({"rank", zoo, "--truth", zoo + "/ground_truth.csv"});
  ASSERT_EQ(ranked["results"].size(), 2U);
  for (const Json& result : ranked["results"]) {
    EXPECT_GT(result["agreement"]["tau_w"], 0.8);
    EXPECT_EQ(result["models"].size(), 5U);
  }
}

TEST_F(Commands, SynthDependsOnTheSeedAlone) {
  const auto bytes = [&](const std::string& name, const std::string& seed, const std::string& threads) {
    EXPECT_EQ(run_itm({"synth", file(name), "--models", "2", "--rows", "20", "--classes", "2", "--dims", "8", "--seed",
                       seed, "--threads", threads})
                  .status,
              0);
    std::string all;
    for (const std::string& entry : names_in(folder_ / name)) {
      all += entry + text_of(folder_ / (name + "/" + entry));
    }
    return all;
  };
  EXPECT_EQ(bytes("a", "1", "1"), bytes("b", "1", "2"));
  EXPECT_NE(bytes("c", "1", "1"), bytes("d", "2", "1"));
}

TEST_F(Commands, SynthKeepsOutOfFoldersInUse) {
  write_text(folder_ / "mine.txt", "precious");
  EXPECT_EQ(run_itm({"synth", folder_.path().string(), "--models", "1", "--rows", "20"}).status, 2);
  EXPECT_EQ(run_itm({"synth", folder_.path().string(), "--models", "1", "--rows", "20", "--force"}).status, 0);
  EXPECT_EQ(text_of(folder_ / "mine.txt"), "precious");
}

}  // namespace
}  // namespace itm::testing
