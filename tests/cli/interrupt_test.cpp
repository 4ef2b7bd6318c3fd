// Ctrl-C in the middle of the work.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "run_itm.hpp"

namespace itm::testing {
namespace {

/// The runs below last far longer: half a second is neither before their start nor after their end.
void let_it_work() { std::this_thread::sleep_for(std::chrono::milliseconds(500)); }

class Interrupt : public ::testing::TestWithParam<int> {};

TEST_P(Interrupt, RankLeavesNoFileAndSaysSo) {
  TemporaryFolder folder;
  write_small_zoo(folder.path());
  const std::vector<std::string> before = names_in(folder.path());
  RunningItm itm({"rank", folder.path().string(), "--iterations", "100000", "--steps", "100", "--out",
                  folder / "ranking.json", "--html", folder / "report.html"});
  let_it_work();
  itm.send(GetParam());
  const Finished run = itm.wait();
  EXPECT_EQ(run.status, 130);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "itm: interrupted; no result file was written\n");
  EXPECT_EQ(names_in(folder.path()), before);
}

TEST_P(Interrupt, SynthRemovesTheHalfMadeZoo) {
  TemporaryFolder folder;
  RunningItm itm({"synth", folder / "parent/zoo", "--models", "1000", "--rows", "2000", "--dims", "256"});
  let_it_work();
  itm.send(GetParam());
  EXPECT_EQ(itm.wait().status, 130);
  EXPECT_TRUE(names_in(folder.path()).empty());
}

double seconds_to_end(RunningItm& itm, Finished& run) {
  const auto start = std::chrono::steady_clock::now();
  run = itm.wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A machine that does other things as well is not held to the 0.8 s of the program.
constexpr double about_a_second = 1.5;

TEST_P(Interrupt, EndsWhileAFileIsOpened) {
  TemporaryFolder folder;
  write_small_zoo(folder.path());
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);  // nobody reads it
  RunningItm itm({"rank", folder.path().string(), "--method", "knn", "--out", folder / "pipe"});
  let_it_work();
  itm.send(GetParam());
  Finished run;
  EXPECT_LT(seconds_to_end(itm, run), about_a_second);
  EXPECT_EQ(run.status, 130);
  EXPECT_EQ(run.err, "itm: interrupted; no result file was written\n");
}

TEST_P(Interrupt, EndsInTheMiddleOfALongStep) {
  TemporaryFolder folder;
  const std::string zoo = folder / "zoo";
  ASSERT_EQ(run_itm({"synth", zoo, "--models", "1", "--rows", "10000", "--classes", "5000", "--dims", "64"}).status, 0);
  for (const std::string method : {"gbc", "itm"}) {
    RunningItm itm({"rank", zoo, "--method", method, "--threads", "1", "--eta", "0.5", "--out", folder / "r.json"});
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    itm.send(GetParam());
    Finished run;
    EXPECT_LT(seconds_to_end(itm, run), about_a_second) << method;
    EXPECT_EQ(run.status, 130) << method << run.err;
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"zoo"}) << method;
  }
}

/// Eigenvectors of 4,096 x 4,096 matrices and the like have no place to look at the person.
TEST_P(Interrupt, EndsInsideEveryMethod) {
  TemporaryFolder folder;
  const std::string zoo = folder / "zoo";
  ASSERT_EQ(run_itm({"synth", zoo, "--models", "1", "--rows", "8000", "--classes", "100", "--dims", "4096"}).status, 0);
  for (const std::string method : {"hscore", "ncti", "pactran", "knn", "sfda", "transrate", "nleep", "linear_probe"}) {
    RunningItm itm({"rank", zoo, "--method", method, "--threads", "1", "--out", folder / "r.json"});
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    itm.send(GetParam());
    Finished run;
    EXPECT_LT(seconds_to_end(itm, run), about_a_second) << method;
    EXPECT_EQ(run.status, 130) << method << run.err;
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"zoo"}) << method;
  }
}

/// Who stops a long ranking was told beforehand that it is one, and how to make it shorter.
TEST_P(Interrupt, OfALongRankingComesAfterAWordOnWhatItTakes) {
  TemporaryFolder folder;
  const std::string zoo = folder / "zoo";
  ASSERT_EQ(run_itm({"synth", zoo, "--models", "1", "--rows", "8000", "--classes", "1000", "--dims", "64"}).status, 0);
  RunningItm itm({"rank", zoo, "--method", "pactran,knn", "--repeats", "50", "--threads", "1"});
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  itm.send(GetParam());
  Finished run;
  EXPECT_LT(seconds_to_end(itm, run), about_a_second);
  EXPECT_NE(run.err.find("pactran on "), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("(8,000 rows of 1 model); --rows N scores a sample"), std::string::npos) << run.err;
  EXPECT_EQ(run.err.find("knn on "), std::string::npos) << run.err;
}

TEST_P(Interrupt, TheSecondOneEndsAtOnceAndLeavesNothing) {
  TemporaryFolder folder;
  write_small_zoo(folder.path());
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  RunningItm itm({"rank", folder.path().string(), "--method", "knn", "--out", folder / "pipe"});
  let_it_work();
  itm.send(GetParam());
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  itm.send(GetParam());
  Finished run;
  EXPECT_LT(seconds_to_end(itm, run), 0.3);
  EXPECT_EQ(run.status, 130);
  EXPECT_EQ(run.err, "itm: interrupted; no result file was written\n");
}

INSTANTIATE_TEST_SUITE_P(Signals, Interrupt, ::testing::Values(SIGINT, SIGTERM),
                         [](const auto& signal) { return signal.param == SIGINT ? "CtrlC" : "Terminate"; });

}  // namespace
}  // namespace itm::testing
