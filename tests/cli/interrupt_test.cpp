// Ctrl-C in the middle of the work.

#include <gtest/gtest.h>

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

INSTANTIATE_TEST_SUITE_P(Signals, Interrupt, ::testing::Values(SIGINT, SIGTERM),
                         [](const auto& signal) { return signal.param == SIGINT ? "CtrlC" : "Terminate"; });

}  // namespace
}  // namespace itm::testing
