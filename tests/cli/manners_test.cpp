// What a person may expect of every command: names as they are written, results that replace nothing unasked, help that
// fits, failures that cost no more than they must.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "made_zoo.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

class Manners : public ::testing::Test {
 protected:
  Manners() : zoo_(folder_.path().string()) { write_small_zoo(folder_.path()); }
  TemporaryFolder folder_;
  std::string zoo_;
};

TEST_F(Manners, MethodsMayBeWrittenAsPeopleDo) {
  for (const char* name : {"LogME", "log-me", "LOG ME", "log_me"}) {
    EXPECT_EQ(json_of({"rank", zoo_, "--method", name})["results"][0]["method"], "logme") << name;
  }
  EXPECT_EQ(json_of({"rank", zoo_, "--method", "Linear Probe"})["results"][0]["method"], "linear_probe");
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "logne"}).err,
            "itm: there is no method 'logne'; did you mean logme? itm methods lists all of them\n");
}

TEST_F(Manners, AResultReplacesAnotherOnlyWhenAsked) {
  const std::string file = zoo_ + "/ranking.json";
  const std::vector<std::string> rank{"rank", zoo_, "--method", "knn", "--out", file};
  EXPECT_EQ(run_itm(rank).err, "itm: wrote " + file + "\n");
  const std::string before = text_of(file);
  const Finished again = run_itm(rank);
  EXPECT_EQ(again.status, 2);
  EXPECT_EQ(again.err, "itm: --out " + file + ": is there already; pass --force to replace it\n");
  EXPECT_EQ(text_of(file), before);
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "logme", "--out", file, "--force", "--quiet"}).err, "");
  EXPECT_NE(text_of(file), before);
}

TEST_F(Manners, APageToo) {
  write_text(folder_ / "page.html", "mine");
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "knn", "--html", zoo_ + "/page.html"}).status, 2);
  EXPECT_EQ(text_of(folder_ / "page.html"), "mine");
}

TEST_F(Manners, ASweepThatGoesOnReplacesItsOwnResult) {
  write_text(folder_ / "spec.json", R"({"schema":"itm.sweep/1","zoo":".","methods":["knn"]})");
  const std::vector<std::string> sweep{"sweep", zoo_ + "/spec.json",  "--journal", zoo_ + "/j.jsonl",
                                       "--out", zoo_ + "/result.json"};
  EXPECT_EQ(run_itm(sweep).status, 0);
  EXPECT_EQ(run_itm(sweep).status, 0);
}

TEST_F(Manners, AnEndingThatCannotBeWrittenIsRefused) {
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "knn", "--out", zoo_ + "/ranking.xlsx"}).err,
            "itm: --out " + zoo_ +
                "/ranking.xlsx: '.xlsx' is no ending of a result; use .json, .csv or .txt, or say --format\n");
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "knn", "--out", zoo_ + "/ranking.xlsx", "--format", "csv"}).status, 0);
}

TEST_F(Manners, KeepGoingSurvivesAMissingLabelFile) {
  std::filesystem::remove(folder_ / "poor_made_label.npy");
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "knn"}).status, 2);
  const Json report = json_of({"rank", zoo_, "--method", "knn,logme", "--keep-going"});
  EXPECT_EQ(report["results"][0]["models"].size(), 2U);
  ASSERT_EQ(report["failures"].size(), 1U);
  EXPECT_EQ(report["failures"][0]["model"], "poor");
}

TEST_F(Manners, KeepGoingSaysOneBadModelOnce) {
  write_text(folder_ / "poor_made_feature.npy", "no array");
  const Json report = json_of({"rank", zoo_, "--method", "knn,logme,hscore", "--keep-going"});
  ASSERT_EQ(report["failures"].size(), 1U) << report["failures"].dump(1);
}

TEST_F(Manners, KeepGoingSurvivesAMethodWithoutItsInputs) {
  EXPECT_EQ(run_itm({"rank", zoo_, "--method", "leep,knn"}).status, 2);
  const Json report = json_of({"rank", zoo_, "--method", "leep,knn", "--keep-going"});
  ASSERT_EQ(report["results"].size(), 1U);
  EXPECT_EQ(report["results"][0]["method"], "knn");
  EXPECT_EQ(report["skipped"][0]["method"], "leep");
}

TEST_F(Manners, InspectTellsWhatKeepsAModelFromARanking) {
  EXPECT_EQ(run_itm({"inspect", zoo_}).status, 0);
  MadeData data = made_data(150, 8, 5, 1.0, 9);
  for (std::size_t i = 0; i < data.rows; ++i) data.values[i * data.dims] = 3;
  write_entry(folder_.path(), "constant", "made", data);
  const Finished harmless = run_itm({"inspect", zoo_});
  EXPECT_EQ(harmless.status, 0);
  EXPECT_NE(harmless.out.find("note: " + (folder_ / "constant_made_feature.npy").string() +
                              ": 1 of 8 columns are constant; harmless"),
            std::string::npos)
      << harmless.out;
  std::filesystem::remove(folder_ / "poor_made_label.npy");
  const Finished fatal = run_itm({"inspect", zoo_});
  EXPECT_EQ(fatal.status, 1);
  EXPECT_NE(fatal.out.find("problem: " + (folder_ / "poor_made_feature.npy").string() + ": has no labels"),
            std::string::npos)
      << fatal.out;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  return longest;
}

TEST(HelpOfACommand, ShowsTheCommonOptionsAndNamesTheOthers) {
  const std::string help = run_itm({"rank", "--help"}).out;
  for (const char* shown : {"--dataset NAME", "--method NAME", "--truth CSV", "--html FILE", "--out FILE",
                            "--format table|json|csv", "--threads N", "--seed N"}) {
    EXPECT_NE(help.find(shown), std::string::npos) << shown;
  }
  EXPECT_EQ(help.find("--batch-size N"), std::string::npos);
  EXPECT_NE(help.find("--batch-size"), std::string::npos) << "named, not explained";
  EXPECT_LT(std::count(help.begin(), help.end(), '\n'), 45) << help;
  const std::string all = run_itm({"rank", "--help-all"}).out;
  EXPECT_NE(all.find("--batch-size N"), std::string::npos);
  EXPECT_NE(all.find("Options of nleep"), std::string::npos);
}

TEST(HelpOfACommand, FitsTheTerminal) {
  for (const char* command : {"rank", "sweep", "ablate", "synth"}) {
    const Finished help =
        RunningItm({"-c", "COLUMNS=80 " + binary() + " " + command + " --help-all"}, "/bin/sh").wait();
    const std::string text = help.out.substr(0, help.out.find("Examples:"));  // a line to copy stays whole
    EXPECT_LE(longest_line(text), 80U) << text;
  }
}

TEST(Completion, IsAScriptThatTheShellTakes) {
  const Finished checked =
      RunningItm({"-c", binary() + " completion bash | bash -n && " + binary() + " completion bash"}, "/bin/sh").wait();
  EXPECT_EQ(checked.status, 0) << checked.err;
  const Finished tried = RunningItm({"-c", "eval \"$(" + binary() +
                                               " completion bash)\"; COMP_WORDS=(itm rank --met); COMP_CWORD=2; _itm; "
                                               "echo \"${COMPREPLY[*]}\"; COMP_WORDS=(itm ra); COMP_CWORD=1; _itm; "
                                               "echo \"${COMPREPLY[*]}\""},
                                    "/bin/bash")
                             .wait();
  EXPECT_EQ(tried.out, "--method\nrank\n") << tried.err;
  EXPECT_EQ(run_itm({"completion", "tcsh"}).err,
            "itm: there is no completion for 'tcsh'; choose one of bash, zsh, fish\n");
}

TEST(Manual, NamesEveryCommand) {
  const std::string page = run_itm({"manual"}).out;
  EXPECT_TRUE(page.starts_with(".TH ITM 1"));
  for (const char* command : {"RANK", "SWEEP", "INSPECT", "VERIFY"}) {
    EXPECT_NE(page.find(std::string(".SH ITM ") + command), std::string::npos) << command;
  }
}

TEST(Version, SaysWhatItWasBuiltWith) {
  const std::string text = run_itm({"--version"}).out;
  EXPECT_TRUE(text.starts_with("itm ")) << text;
  for (const char* fact : {"build", "BLAS", "CUDA", "MPI"}) {
    EXPECT_NE(text.find(fact), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace itm::testing
