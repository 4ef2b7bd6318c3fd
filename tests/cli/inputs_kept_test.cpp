// What a command writes never replaces what it reads: by another spelling, through a link, or as the same file.

#include <gtest/gtest.h>

#include "paths.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

namespace fs = std::filesystem;

struct Use {
  const char* name;
  std::vector<std::string> arguments;  ///< Z stands for the folder; the output option comes last, its file is added
  const char* input;                   ///< in the folder
  const char* is;                      ///< what the sentence calls it
};

void PrintTo(const Use& use, std::ostream* os) { *os << use.name; }

const std::vector<Use> uses{
    {"RankTruth", {"rank", "Z", "--truth", "Z/truth.csv", "--out"}, "truth.csv", "the file of --truth"},
    {"RankTruthPage", {"rank", "Z", "--truth", "Z/truth.csv", "--html"}, "truth.csv", "the file of --truth"},
    {"RankFeature", {"rank", "Z", "--out"}, "fair_made_feature.npy", "a file of the zoo"},
    {"RankLabelPage", {"rank", "Z", "--html"}, "good_made_label.npy", "a file of the zoo"},
    {"InspectFeature", {"inspect", "Z", "--out"}, "poor_made_feature.npy", "a file of the zoo"},
    {"InspectTruth", {"inspect", "Z", "--truth", "Z/truth.csv", "--out"}, "truth.csv", "the file of --truth"},
    {"VerifyLabel", {"verify", "Z", "--out"}, "poor_made_label.npy", "a file of the zoo"},
    {"ScoreFeature",
     {"score", "--feature", "Z/good_made_feature.npy", "--label", "Z/good_made_label.npy", "--out"},
     "good_made_feature.npy",
     "the file of --feature"},
    {"ScoreLabel",
     {"score", "--feature", "Z/good_made_feature.npy", "--label", "Z/good_made_label.npy", "--out"},
     "good_made_label.npy",
     "the file of --label"},
    {"ScoreSource",
     {"score", "--method", "ped", "--feature", "Z/good_made_feature.npy", "--label", "Z/good_made_label.npy",
      "--source", "Z/fair_made_feature.npy", "--out"},
     "fair_made_feature.npy",
     "the file of --source"},
    {"CorrelateScores",
     {"correlate", "--scores", "Z/scores.csv", "--truth", "Z/truth.csv", "--out"},
     "scores.csv",
     "the file of --scores"},
    {"CorrelateTruth",
     {"correlate", "--scores", "Z/scores.csv", "--truth", "Z/truth.csv", "--out"},
     "truth.csv",
     "the file of --truth"},
    {"CompareFirst", {"compare", "Z/scores.csv", "Z/truth.csv", "--out"}, "scores.csv", "the first result"},
    {"CompareSecond", {"compare", "Z/truth.csv", "Z/scores.csv", "--out"}, "scores.csv", "the second result"},
    {"ChooseScores",
     {"choose", "--scores", "Z/scores.csv", "--history", "Z/truth.csv", "--out"},
     "scores.csv",
     "a file of --scores"},
    {"ChooseHistoryPage",
     {"choose", "--scores", "Z/scores.csv", "--history", "Z/truth.csv", "--html"},
     "truth.csv",
     "a file of --history"},
    {"ChooseCost",
     {"choose", "--scores", "Z/scores.csv", "--cost", "Z/truth.csv", "--out"},
     "truth.csv",
     "the file of --cost"},
    {"EvaluateTruth", {"evaluate", "Z/truth.csv", "--scores", "Z/scores.csv", "--out"}, "truth.csv", "the truth"},
    {"EvaluateTruthTwice",
     {"evaluate", "Z/truth.csv", "--scores", "Z/scores.csv", "--kinds", "Z/truth.csv", "--html"},
     "truth.csv",
     "the truth"},
    {"PaperBeside", {"paper", "table1", "--beside", "Z/scores.csv", "--out"}, "scores.csv", "the file of --beside"},
    {"SweepSpec", {"sweep", "Z/spec.json", "--out"}, "spec.json", "the spec"},
    {"SweepSpecPage", {"sweep", "Z/spec.json", "--html"}, "spec.json", "the spec"},
    {"SweepTruth", {"sweep", "Z/spec.json", "--out"}, "truth.csv", "the truth of the spec"},
    {"SweepFeature", {"sweep", "Z/spec.json", "--out"}, "good_made_feature.npy", "a file of the zoo"},
    {"SweepJournal", {"sweep", "Z/spec.json", "--out"}, "spec.journal.jsonl", "the journal"},
    {"SweepOwnJournal", {"sweep", "Z/spec.json", "--journal", "Z/kept", "--out"}, "kept", "the journal"},
    {"SweepJournalIsTruth", {"sweep", "Z/spec.json", "--journal"}, "truth.csv", "the truth of the spec"},
    {"DryRunJournal", {"sweep", "Z/spec.json", "--dry-run", "--out"}, "spec.journal.jsonl", "the journal"},
    {"ShardJournal", {"sweep", "Z/spec.json", "--shard", "1/2", "--out"}, "spec.journal.jsonl.1-of-2", "the journal"},
    {"MergeShard", {"sweep", "merge", "Z/spec.json", "--out"}, "spec.journal.jsonl.1-of-2", "the journal of a shard"},
    {"AblateTruth", {"ablate", "eta", "Z", "--truth", "Z/truth.csv", "--out"}, "truth.csv", "the file of --truth"},
    {"AblateJournal",
     {"ablate", "eta", "Z", "--truth", "Z/truth.csv", "--journal", "Z/kept", "--out"},
     "kept",
     "the journal"},
    {"ReplayArray", {"replay", "Z/trace", "--out"}, "trace/trace.json", "a file of the trace"},
};

class InputsKept : public ::testing::TestWithParam<Use> {
 protected:
  void SetUp() override {
    write_small_zoo(zoo_);
    write_text(zoo_ / "truth.csv", "model,made\ngood,95\nfair,70\npoor,30\n");
    write_text(zoo_ / "scores.csv", "dataset,method,model,score\nmade,itm,good,3\nmade,itm,fair,2\nmade,itm,poor,1\n");
    write_text(zoo_ / "spec.json",
               R"({"schema": "itm.sweep/1", "zoo": ".", "truth": "truth.csv", "methods": ["logme", "knn"]})");
    for (const char* journal : {"spec.journal.jsonl", "spec.journal.jsonl.1-of-2", "kept"}) {
      write_text(zoo_ / journal, "");
    }
    fs::copy(fs::path(testing::test_data()) / "itm_trace/small", zoo_ / "trace");
    fs::create_directory(zoo_ / "elsewhere");
  }

  /// Runs the command with this output; the input must stand as it was.
  void expect_kept(const fs::path& output) {
    const Use& use = GetParam();
    std::vector<std::string> arguments;
    for (std::string argument : use.arguments) {
      if (argument == "Z" || argument.starts_with("Z/")) {
        argument.replace(0, 1, zoo_.string());
      }
      arguments.push_back(std::move(argument));
    }
    arguments.push_back(output.string());
    const std::string before = text_of(zoo_ / use.input);
    const Finished run = run_itm(arguments);
    EXPECT_EQ(run.status, 2) << output;
    const std::string sentence = std::string("is ") + use.is + "; name another file\n";
    EXPECT_TRUE(run.err.starts_with("itm: --") && run.err.ends_with(sentence)) << run.err << "wanted: " << sentence;
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(text_of(zoo_ / use.input), before) << output;
  }

  TemporaryFolder folder_;
  fs::path zoo_ = folder_.path();
};

TEST_P(InputsKept, WhateverTheSpelling) {
  expect_kept(zoo_ / GetParam().input);
  expect_kept(zoo_ / "elsewhere/.." / GetParam().input);
}

TEST_P(InputsKept, ThroughALink) {
  fs::create_symlink(zoo_ / GetParam().input, zoo_ / "elsewhere/link");
  expect_kept(zoo_ / "elsewhere/link");
}

TEST_P(InputsKept, AsAnotherNameOfTheFile) {
  fs::create_hard_link(zoo_ / GetParam().input, zoo_ / "elsewhere/name");
  expect_kept(zoo_ / "elsewhere/name");
}

INSTANTIATE_TEST_SUITE_P(Uses, InputsKept, ::testing::ValuesIn(uses),
                         [](const auto& use) { return std::string(use.param.name); });

TEST(Inputs, EvolveWritesNoneOfItsFilesOverWhatItReads) {
  TemporaryFolder folder;
  write_entry(folder.path(), "good", "made", made_data(150, 24, 5, 1.0, 1));
  fs::rename(folder / "good_made_label.npy", folder / "label.npy");
  const std::string before = text_of(folder / "label.npy");
  const Finished run = run_itm({"evolve", "--feature", folder / "good_made_feature.npy", "--label",
                                folder / "label.npy", "--at", "0,1", "--out-dir", folder.path().string()});
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.err,
            "itm: --out-dir " + (folder / "label.npy").string() + ": is the file of --label; name another file\n");
  EXPECT_EQ(text_of(folder / "label.npy"), before);
}

}  // namespace
}  // namespace itm::testing
