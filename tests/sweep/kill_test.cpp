// SIGKILL at random moments: nothing that was finished is lost or done again.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "made_sweep.hpp"

namespace itm::testing {
namespace {

using Seconds = std::chrono::duration<double>;

TEST(KilledSweep, EndsWithTheJournalOfAnUndisturbedOne) {
  const MadeSweep sweep;
  const auto start = std::chrono::steady_clock::now();
  const Finished undisturbed = run_itm(sweep.command("undisturbed"));
  const Seconds whole = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.err;
  const std::vector<Json> expected = contents_of(sweep.file("undisturbed"));
  ASSERT_EQ(expected.size(), 1 + MadeSweep::units);

  std::mt19937 random(7);
  std::uniform_real_distribution<double> moment(0, whole.count() / 3);
  int kills = 0;
  int with_work_done = 0;
  std::vector<std::string> kept;
  for (bool ended = false; !ended;) {
    RunningItm itm(sweep.command("killed"));
    if (kills < 20) {
      std::this_thread::sleep_for(Seconds(moment(random)));
      itm.send(SIGKILL);
    }
    const Finished run = itm.wait();
    const std::vector<std::string> lines = lines_of(sweep.file("killed"));
    ASSERT_TRUE(lines.size() >= kept.size() && std::equal(kept.begin(), kept.end(), lines.begin()))
        << "a finished unit was lost or done again";
    kept = lines;
    if (run.status == 128 + SIGKILL) {
      ++kills;
      with_work_done += kept.size() > 1 ? 1 : 0;
      continue;
    }
    ASSERT_EQ(run.status, 0) << run.err;
    ASSERT_EQ(contents_of(sweep.file("killed")), expected);
    ended = kills == 20;
    if (!ended) {  // too quick for twenty kills: the others meet a new journal
      std::filesystem::remove(sweep.file("killed"));
      kept.clear();
    }
  }
  EXPECT_GE(with_work_done, 5) << "the kills came too early to mean anything";
}

TEST(KilledSweep, CtrlCSaysHowToGoOn) {
  const MadeSweep sweep(2000);
  RunningItm itm(sweep.command("journal"));
  while (lines_of(sweep.file("journal")).size() < 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  itm.send(SIGINT);
  const Finished run = itm.wait();
  EXPECT_EQ(run.status, 130);
  EXPECT_EQ(run.out, "");
  EXPECT_NE(run.err.find("the same command goes on from there"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace itm::testing
