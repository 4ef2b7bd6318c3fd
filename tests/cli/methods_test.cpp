// The methods from the command line: the list, their options, what is left out, and the comparison.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "itm/estimator.hpp"
#include "paths.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

const std::string published = testing::test_data() + "/published/case_a/";

std::vector<std::string> score_case(const std::string& method, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"score",
                                     "--method",
                                     method,
                                     "--feature",
                                     published + "feature.npy",
                                     "--output",
                                     published + "output.npy",
                                     "--source",
                                     published + "general.npy"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(MethodList, NamesEveryMethodWithItsSourceAndInputs) {
  const Json methods = json_of({"methods"})["methods"];
  ASSERT_EQ(methods.size(), estimators().size());
  for (const Json& method : methods) {
    EXPECT_FALSE(method["description"].get<std::string>().empty()) << method["name"];
    EXPECT_FALSE(method["citation"].get<std::string>().empty()) << method["name"];
  }
  const Finished table = run_itm({"methods"});
  const Finished one = run_itm({"methods", "ped"});
  EXPECT_TRUE(contains(table.out, "labels, source logits")) << table.out;
  EXPECT_TRUE(contains(one.out, "--ped-nsigma N")) << one.out;
  EXPECT_TRUE(contains(one.out, "source features")) << one.out;
}

TEST(MethodOptions, ReachTheMethod) {
  const Json scores = Json::parse(text_of(published + "scores.json"));
  const std::vector<std::string> label{"--label", published + "label.npy"};
  const auto score = [&](std::vector<std::string> more) {
    more.insert(more.end(), label.begin(), label.end());
    return json_of(score_case("ped", more))["score"].get<double>();
  };
  EXPECT_NEAR(score({}), scores["ped"].get<double>(), 1e-9);
  EXPECT_NEAR(score({"--ped-nsigma", "0.3"}), scores["ped_nsigma0.3"].get<double>(), 1e-9);
  EXPECT_NEAR(score({"--ped-score", "logme"}), scores["ped_logme"].get<double>(), 1e-9);
}

TEST(MethodOptions, Float32IsCloseAndLeavesIllConditionedMethodsAlone) {
  const auto score = [&](const char* method, const char* arithmetic) {
    return json_of(score_case(method, {"--label", published + "label.npy", "--arithmetic", arithmetic}))["score"]
        .get<double>();
  };
  EXPECT_NE(score("transrate", "float32"), score("transrate", "float64"));
  EXPECT_NEAR(score("transrate", "float32"), score("transrate", "float64"), 1e-4);
  EXPECT_EQ(score("sfda", "float32"), score("sfda", "float64"));
}

TEST(Regression, LogMeTakesTargetsInsteadOfLabels) {
  const Json scores = Json::parse(text_of(published + "scores.json"));
  const Json scored = json_of(score_case("logme", {"--target", published + "target.npy"}));
  EXPECT_NEAR(scored["score"].get<double>(), scores["logme_regression"].get<double>(), 1e-9);
  EXPECT_EQ(scored["details"]["logme_regression_alpha"].size(), 3U);
}

TEST(Notes, AreSaidOnStandardError) {
  const Finished run = run_itm(score_case("etran", {"--label", published + "label.npy", "--format", "json"}));
  EXPECT_TRUE(contains(run.err, "--variant exact")) << run.err;
  const Finished exact =
      run_itm(score_case("etran", {"--label", published + "label.npy", "--format", "json", "--variant", "exact"}));
  EXPECT_EQ(exact.err, "");
}

class AllMethods : public ::testing::Test {
 protected:
  void SetUp() override {
    write_small_zoo(folder_.path());
    write_text(folder_ / "truth.csv", "model,made\ngood,95\nfair,70\npoor,50\n");
  }
  [[nodiscard]] std::string zoo() const { return folder_.path().string(); }
  [[nodiscard]] std::string truth() const { return (folder_ / "truth.csv").string(); }
  /// Source logits for one of the three models.
  void write_logits(const std::string& model) const {
    const std::size_t shape[] = {150, 7};
    write_npy<float>(folder_ / (model + "_made_output.npy"), made_data(150, 7, 5, 1.0, 9).values, shape);
  }
  TemporaryFolder folder_;
};

TEST_F(AllMethods, LeaveOutThoseThatTheZooHasNoInputsForAndSaySo) {
  const Json report = json_of({"rank", zoo(), "--method", "all", "--iterations", "20"});
  std::set<std::string> ran;
  std::set<std::string> skipped;
  for (const Json& result : report["results"]) {
    ran.insert(result["method"].get<std::string>());
    EXPECT_EQ(result["models"].size(), 3U);
  }
  for (const Json& entry : report["skipped"]) {
    skipped.insert(entry["method"].get<std::string>());
  }
  EXPECT_EQ(skipped, (std::set<std::string>{"leep", "nce", "pactran_dirichlet", "ped"}));
  EXPECT_EQ(ran.size() + skipped.size(), estimators().size());
  EXPECT_TRUE(report["failures"].empty());
}

TEST_F(AllMethods, RankTheModelsThatHaveTheInputs) {
  write_logits("good");
  const Json report = json_of({"rank", zoo(), "--method", "leep"});
  ASSERT_EQ(report["results"][0]["models"].size(), 1U);
  EXPECT_EQ(report["results"][0]["models"][0]["model"], "good");
  EXPECT_EQ(report["skipped"].size(), 2U);
  const Finished table = run_itm({"rank", zoo(), "--method", "leep"});
  EXPECT_TRUE(contains(table.out, "leep: 2 models left out, no source logits")) << table.out;
}

TEST_F(AllMethods, AMethodAskedForByNameWithoutItsInputsIsRefused) {
  const Finished run = run_itm({"rank", zoo(), "--method", "leep"});
  EXPECT_EQ(run.status, 2);
  EXPECT_TRUE(contains(run.err, "leep needs source logits")) << run.err;
}

TEST_F(AllMethods, ComparisonHasARowPerMethodAndAnAverage) {
  const Finished run = run_itm({"rank", zoo(), "--method", "logme,sfda", "--truth", truth()});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_TRUE(contains(run.out, "  method")) << run.out;
  EXPECT_TRUE(contains(run.out, "average")) << run.out;
  EXPECT_TRUE(contains(run.out, "tau_w")) << run.out;
  EXPECT_TRUE(contains(run.out, "seconds")) << run.out;
}

TEST_F(AllMethods, WithoutATruthTheRanksAreShown) {
  const Finished run = run_itm({"rank", zoo(), "--method", "logme,sfda"});
  EXPECT_TRUE(contains(run.out, "consensus")) << run.out;
  EXPECT_TRUE(contains(run.out, "good")) << run.out;
}

TEST_F(AllMethods, BadSettingsAreOneSentence) {
  for (const auto& [option, value, says] : std::vector<std::tuple<const char*, const char*, const char*>>{
           {"--ped-nsigma", "wide", "a number"},
           {"--parc-dims", "1.5", "a whole number"},
           {"--ped-score", "itm", "one of sfda|logme|nleep"},
           {"--variant", "both", "one of published|exact"}}) {
    const Finished run = run_itm({"rank", zoo(), option, value});
    EXPECT_EQ(run.status, 2) << option;
    EXPECT_TRUE(contains(run.err, says)) << run.err;
  }
}

}  // namespace
}  // namespace itm::testing
