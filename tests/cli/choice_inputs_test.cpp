// A zoo is read in one way, whatever command is given it: `choose` and `evaluate` take it as `rank` does.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

class ChoiceOfAZoo : public ::testing::Test {
 protected:
  ChoiceOfAZoo() : zoo_(folder_.path().string()) {
    write_small_zoo(folder_.path());
    write_text(folder_ / "truth.csv", "model,made\ngood,95\nfair,70\npoor,30\n");
  }
  /// The models of `itm choose ZOO --methods logme ...`, sorted.
  static Names chosen_from(Names arguments) {
    arguments.insert(arguments.end(), {"--methods", "logme", "--format", "json", "--quiet"});
    const Finished run = run_itm(arguments);
    EXPECT_EQ(run.status, 0) << run.err;
    const Json json = Json::parse(run.out);
    Names names;
    for (const Json& model : json["results"][0]["models"]) {
      names.push_back(model["model"]);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  TemporaryFolder folder_;
  std::string zoo_;
};

TEST_F(ChoiceOfAZoo, TakesTheModelsThatPatternsName) {
  EXPECT_EQ(chosen_from({"choose", zoo_}), (Names{"fair", "good", "poor"}));
  EXPECT_EQ(chosen_from({"choose", zoo_, "--models", "good,?oor"}), (Names{"good", "poor"}));
  EXPECT_EQ(chosen_from({"choose", zoo_, "--exclude", "po*"}), (Names{"fair", "good"}));
}

TEST_F(ChoiceOfAZoo, TakesTheFilesThatAManifestNames) {
  const std::string manifest = zoo_ + "/two.csv";
  write_text(manifest,
             "model,dataset,feature,label\n"
             "a,pets,good_made_feature.npy,good_made_label.npy\nb,pets,poor_made_feature.npy,poor_made_label.npy\n");
  EXPECT_EQ(chosen_from({"choose", zoo_, "--manifest", manifest}), (Names{"a", "b"}));
  const Finished over = run_itm({"choose", zoo_, "--manifest", manifest, "--methods", "logme", "--out", manifest});
  EXPECT_EQ(over.err, "itm: --out " + manifest + ": is the manifest; name another file\n");
}

TEST_F(ChoiceOfAZoo, SaysHowNamesWereRead) {
  TemporaryFolder guessed;
  write_small_zoo(guessed.path(), "oxford_pets");
  const std::string zoo = guessed.path().string();
  const std::string said = run_itm({"rank", zoo, "--method", "logme"}).err;
  EXPECT_NE(said.find("read as oxford_pets with models "), std::string::npos) << said;
  EXPECT_EQ(run_itm({"choose", zoo, "--methods", "logme"}).err, said);
}

TEST_F(ChoiceOfAZoo, EvaluateTakesItInTheSameWay) {
  write_text(folder_ / "truth.csv", "model,made\ngood,95\nfair,70\npoor,30\n");
  const auto models_of = [&](const Names& more) {
    Names arguments{"evaluate", zoo_ + "/truth.csv", zoo_,   "--methods", "logme", "--known",
                    "0",        "--format",          "json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_itm(arguments);
  };
  const Finished all = models_of({});
  EXPECT_EQ(all.status, 0) << all.err;
  const Finished none = models_of({"--models", "god"});
  EXPECT_EQ(none.status, 2);
  EXPECT_EQ(none.err, run_itm({"rank", zoo_, "--models", "god"}).err);
}

TEST_F(ChoiceOfAZoo, APatternWithoutAZooIsRefused) {
  for (const Names& command : {Names{"choose", "--history", zoo_ + "/truth.csv", "--dataset", "made"},
                               Names{"evaluate", zoo_ + "/truth.csv"}}) {
    Names arguments = command;
    arguments.insert(arguments.end(), {"--models", "good"});
    EXPECT_EQ(run_itm(arguments).err,
              "itm: --models, --exclude and --manifest choose from a zoo, which is missing; name its folder\n");
  }
}

}  // namespace
}  // namespace itm::testing
