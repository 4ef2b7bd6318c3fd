// Bad options, zoos and truth files: one sentence on standard error, the right status, nothing written.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "run_itm.hpp"

namespace itm::testing {
namespace {

namespace fs = std::filesystem;

struct BadUse {
  const char* name;
  std::vector<std::string> arguments;  ///< ZOO stands for the zoo's folder
  const char* says;                    ///< part of the sentence
  int status = 2;
  std::function<void(const fs::path& zoo)> spoil = [](const fs::path&) {};
};

void PrintTo(const BadUse& use, std::ostream* os) { *os << use.name; }

void spoil_values(const fs::path& zoo, float value) {
  MadeData data = made_data(150, 24, 5, 1.0, 1);
  data.values[24 * 17 + 3] = value;
  write_entry(zoo, "good", "made", data);
}

void spoil_labels(const fs::path& zoo, const std::function<void(std::vector<std::int64_t>&)>& change,
                  const char* model = "good") {
  std::vector<std::int64_t> labels(150);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<std::int64_t>(i % 5);
  }
  change(labels);
  const std::size_t shape[] = {labels.size()};
  write_npy<std::int64_t>(zoo / (std::string(model) + "_made_label.npy"), labels, shape);
}

void spoil_all_labels(const fs::path& zoo, const std::function<void(std::vector<std::int64_t>&)>& change) {
  for (const char* model : {"good", "fair", "poor"}) {
    spoil_labels(zoo, change, model);
  }
}

const auto truth = [](const char* text) {
  return [text](const fs::path& zoo) { write_text(zoo / "truth.csv", text); };
};
const auto scores = [](const char* text) {
  return [text](const fs::path& zoo) {
    write_text(zoo / "truth.csv", "model,made,other\ngood,95,1\nfair,70,2\n");
    write_text(zoo / "scores", text);
  };
};
const std::vector<std::string> with_truth{"rank", "ZOO", "--truth", "ZOO/truth.csv"};
const std::vector<std::string> correlate{"correlate", "--scores", "ZOO/scores", "--truth", "ZOO/truth.csv"};

std::vector<std::string> rank_with(std::vector<std::string> more) {
  more.insert(more.begin(), {"rank", "ZOO"});
  return more;
}

const std::vector<BadUse> bad_uses{
    // Options
    {"UnknownCommand", {"frobnicate"}, "there is no command 'frobnicate'; choose among: rank"},
    {"UnknownOption", rank_with({"--frobnicate"}), "unexpected argument '--frobnicate'"},
    {"UnexpectedArgument", rank_with({"another"}), "unexpected argument 'another'"},
    {"NoZoo", {"rank"}, "zoo is required"},
    {"OptionWithoutValue", rank_with({"--seed"}), "--seed needs a value"},
    {"OptionTwice", rank_with({"--seed", "1", "--seed", "2"}), "--seed is given more than once"},
    {"NotANumber", rank_with({"--iterations", "many"}), "'many' is not a whole number from 1 to 100,000"},
    {"NotAWholeNumber", rank_with({"--batch-size", "1.5"}), "'1.5' is not a whole number of at least 1"},
    {"NegativeNumber", rank_with({"--steps=-1"}), "'-1' is not a whole number from 1 to 10,000"},
    {"NumberWithUnit", rank_with({"--threads", "2x"}), "'2x' is not a whole number from 1 to 1,024"},
    {"ZeroThreads", rank_with({"--threads", "0"}), "'0' is not a whole number from 1 to 1,024"},
    {"EtaAboveOne", rank_with({"--eta", "1.5"}), "'1.5' is not a number from 0 to 1"},
    {"EtaNan", rank_with({"--eta", "nan"}), "'nan' is not a number from 0 to 1"},
    {"DispersionBaseZero", rank_with({"--dispersion-base", "0"}), "'0' is not a number above 0"},
    {"LearningRateInfinite", rank_with({"--learning-rate", "inf"}), "'inf' is not a number above 0"},
    {"NoRepeats", rank_with({"--repeats", "0"}), "--repeats"},
    {"SeedBeyond64Bits", rank_with({"--seed", "99999999999999999999"}), "--seed"},
    {"UnknownFormat", rank_with({"--format", "xml"}), "'xml' is not one of table|json|csv"},
    {"UnknownCentres", rank_with({"--centres", "moon"}), "'moon' is not one of onehot|random|pca|laplacian"},
    {"AdaptiveMaybe", rank_with({"--adaptive", "maybe"}), "'maybe' is not one of on|off"},
    {"QuietAndVerbose", rank_with({"--quiet", "--verbose"}), "--quiet and --verbose contradict each other"},
    {"UnknownMethod", rank_with({"--method", "guess"}), "there is no method 'guess'"},
    {"Tf32OnTheCpu", rank_with({"--precision", "tf32", "--backend", "cpu"}), "tf32"},
    {"ThreeTf32OnTheCpu", rank_with({"--precision", "3xtf32", "--backend", "cpu"}), "3xtf32 exists on a GPU only"},
    {"CudaThatIsNotThere", rank_with({"--backend", "cuda"}), "--backend cpu", 3},
    // Zoos
    {"MissingZoo", {"rank", "ZOO/none"}, "no such directory"},
    {"ZooIsAFile", {"rank", "ZOO/good_made_label.npy"}, "is not a directory"},
    {"EmptyZoo",
     {"rank", "ZOO/empty"},
     "holds no feature file",
     2,
     [](const fs::path& z) { fs::create_directory(z / "empty"); }},
    {"UnknownDataSet", rank_with({"--dataset", "pets"}), "has no data set 'pets'; it has made"},
    {"MissingLabels", rank_with({}), "has no labels", 2,
     [](const fs::path& z) { fs::remove(z / "good_made_label.npy"); }},
    {"TruncatedFile", rank_with({}), "good_made_feature.npy", 2,
     [](const fs::path& z) { fs::resize_file(z / "good_made_feature.npy", 1000); }},
    {"EmptyFile", rank_with({}), "good_made_feature.npy", 2,
     [](const fs::path& z) { fs::resize_file(z / "good_made_feature.npy", 0); }},
    {"NotAnArray", rank_with({}), "good_made_feature.npy", 2,
     [](const fs::path& z) { write_text(z / "good_made_feature.npy", "hello, this is no array"); }},
    {"NanFeature", rank_with({}), "row 17", 2, [](const fs::path& z) { spoil_values(z, std::nanf("")); }},
    {"InfiniteFeature", rank_with({}), "--drop-bad-rows", 2, [](const fs::path& z) { spoil_values(z, INFINITY); }},
    {"FewerRowsThanLabels", rank_with({}), "good_made", 2,
     [](const fs::path& z) {
       write_npy<float>(z / "good_made_feature.npy", std::vector<float>(40), std::vector<std::size_t>{10, 4});
     }},
    {"OneClass", rank_with({}), "class", 2,
     [](const fs::path& z) { spoil_all_labels(z, [](auto& y) { std::fill(y.begin(), y.end(), 0); }); }},
    {"OneSampleInAClass", rank_with({}), "class", 2,
     [](const fs::path& z) { spoil_all_labels(z, [](auto& y) { y[9] = 5; }); }},
    {"NegativeLabel", rank_with({}), "label", 2,
     [](const fs::path& z) { spoil_all_labels(z, [](auto& y) { y[9] = -1; }); }},
    {"TooFewRows", rank_with({}), "150 rows, but there are 6 labels", 2,
     [](const fs::path& z) { spoil_all_labels(z, [](auto& y) {
                               y.assign({0, 1, 0, 1, 0, 1});
                             }); }},
    {"LabelsOfTwoModelsDiffer", rank_with({}), "labels differ", 2,
     [](const fs::path& z) { spoil_labels(z, [](auto& y) { std::swap(y[3], y[4]); }); }},
    // Ground truth
    {"MissingTruth", with_truth, "truth.csv"},
    {"TruthWithoutHeader", with_truth, "line 1", 2, truth("good,95\nfair,70\n")},
    {"TruthNotANumber", with_truth, "line 2", 2, truth("model,made\ngood,high\n")},
    {"TruthRagged", with_truth, "line 3", 2, truth("model,made\ngood,95\nfair\n")},
    {"TruthModelTwice", with_truth, "'good' appears twice", 2, truth("model,made\ngood,95\ngood,94\n")},
    {"TruthOfAnotherTask", with_truth, "has no column for made; it has pets", 2, truth("model,pets\ngood,95\n")},
    {"TruthOfOtherModels", with_truth, "names none of the models", 2, truth("model,made\nresnet,95\n")},
    // Scores
    {"MissingScores", correlate, "scores", 2, truth("model,made\ngood,95\n")},
    {"ScoresOfOtherModels", correlate, "have no model and data set in common", 2, scores("model,made\nvgg,1\n")},
    {"ScoresOfWhichDataSet", correlate, "pass --dataset with one of made, other", 2,
     scores("model,score\ngood,1\nfair,2\n")},
    {"ScoresNotANumber", correlate, "line 2", 2, scores("model,made\ngood,much\n")},
    {"ScoresBrokenJson", correlate, "is not valid JSON", 2, scores("{\"schema\": \"itm.rank/1\", ")},
    // score
    {"ScoreWithoutLabels", {"score", "--feature", "ZOO/good_made_feature.npy"}, "pass --label"},
    {"ScoreRegression",
     {"score", "--feature", "ZOO/good_made_feature.npy", "--label", "ZOO/good_made_label.npy", "--target", "ZOO/t.npy"},
     "--target"},
    // synth
    {"SynthIntoAFullFolder", {"synth", "ZOO"}, "is not empty"},
    {"SynthBadRange", {"synth", "ZOO/new", "--dims", "64:32"}, "'32' is not a whole number from 64"},
    {"SynthTooFewRows", {"synth", "ZOO/new", "--rows", "10", "--classes", "9"}, "need at least 18 rows"},
};

class BadUseOfItm : public ::testing::TestWithParam<BadUse> {};

TEST_P(BadUseOfItm, IsOneSentenceOneStatusAndNoFile) {
  const BadUse& use = GetParam();
  TemporaryFolder zoo;
  write_small_zoo(zoo.path());
  use.spoil(zoo.path());
  const std::vector<std::string> before = names_in(zoo.path());

  std::vector<std::string> arguments = use.arguments;
  for (std::string& argument : arguments) {
    if (argument.rfind("ZOO", 0) == 0) {
      argument = zoo.path().string() + argument.substr(3);
    }
  }
  const std::string out = zoo / "result.json";
  if (arguments.back() != "--seed") {  // the one that lacks its value
    arguments.insert(arguments.end(), {"--out", out});
  }
  const Finished run = run_itm(arguments);

  EXPECT_EQ(run.status, use.status);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err.rfind("itm: ", 0), 0U) << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  EXPECT_NE(run.err.find(use.says), std::string::npos) << run.err;
  EXPECT_EQ(names_in(zoo.path()), before) << "something was written";
}

INSTANTIATE_TEST_SUITE_P(Kinds, BadUseOfItm, ::testing::ValuesIn(bad_uses),
                         [](const auto& use) { return std::string(use.param.name); });

TEST(BadOutput, AMissingFolderIsRefusedBeforeTheWork) {
  const Finished run = run_itm({"rank", "/nonexistent/zoo", "--out", "/nonexistent/folder/result.json"});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("--out /nonexistent/folder/result.json: the folder /nonexistent/folder does not exist"),
            std::string::npos)
      << run.err;
}

TEST(BadOutput, ThePageNeedsAPlaceOfItsOwn) {
  TemporaryFolder folder;
  const std::string inside = folder / "missing/report.html";
  const Finished run = run_itm({"rank", "/nonexistent/zoo", "--html", inside});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("--html " + inside + ": the folder " + (folder / "missing").string() + " does not exist"),
            std::string::npos)
      << run.err;
  const Finished on_a_folder = run_itm({"rank", "/nonexistent/zoo", "--html", folder.path().string()});
  EXPECT_EQ(on_a_folder.status, 2);
  EXPECT_NE(on_a_folder.err.find("is a folder; name a file inside it"), std::string::npos) << on_a_folder.err;
  const Finished twice =
      run_itm({"rank", "/nonexistent/zoo", "--html", folder / "a.html", "--out", folder / "./a.html"});
  EXPECT_EQ(twice.status, 2);
  EXPECT_NE(twice.err.find("is the file of --out as well; name another"), std::string::npos) << twice.err;
}

TEST(BadOutput, AnOlderResultSurvivesAFailedRun) {
  TemporaryFolder folder;
  write_text(folder / "result.json", "older");
  EXPECT_EQ(run_itm({"rank", "/nonexistent/zoo", "--out", folder / "result.json"}).status, 2);
  EXPECT_EQ(text_of(folder / "result.json"), "older");
}

}  // namespace
}  // namespace itm::testing
