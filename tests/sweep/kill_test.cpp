// SIGKILL at random moments: nothing that was finished is lost or done again.

#include <gtest/gtest.h>

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
  std::size_t kills = 0;
  std::size_t endings = 0;
  std::size_t lost_nothing = 0;  ///< kills after which there were units to keep
  while (kills < 20 || endings == 0) {
    RunningItm itm(sweep.command("killed"));
    std::this_thread::sleep_for(Seconds(kills < 20 ? moment(random) : 0));
    if (kills < 20) {
      itm.send(SIGKILL);
    }
    const Finished run = itm.wait();
    ASSERT_TRUE(run.status == 0 || run.status == 128 + SIGKILL) << run.err;
    if (run.status != 0) {
      ++kills;
    }
    const std::vector<std::string> kept = lines_of(sweep.file("killed"));
    if (run.status == 0) {
      ASSERT_EQ(contents_of(sweep.file("killed")), expected);
      std::filesystem::remove(sweep.file("killed"));  // the next kills meet a new one
      ++endings;
      continue;
    }
    // To the end on a copy: every whole line stays byte by byte, seconds included, so no unit ran twice.
    if (kept.size() > 1) {
      ++lost_nothing;
    }
    if (kills % 5 == 0) {
      if (std::filesystem::exists(sweep.file("killed"))) {
        std::filesystem::copy_file(sweep.file("killed"), sweep.file("copy"),
                                   std::filesystem::copy_options::overwrite_existing);
      }
      ASSERT_EQ(run_itm(sweep.command("copy")).status, 0);
      const std::vector<std::string> now = lines_of(sweep.file("copy"));
      ASSERT_EQ(now.size(), 1 + MadeSweep::units);
      EXPECT_TRUE(std::equal(kept.begin(), kept.end(), now.begin())) << "a finished unit was repeated";
      ASSERT_EQ(contents_of(sweep.file("copy")), expected);
    }
  }
  EXPECT_GE(lost_nothing, 5U) << "the kills came too early to mean anything";
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
