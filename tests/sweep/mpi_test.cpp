// One sweep on several processes of an MPI job.

#include <gtest/gtest.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "cli/local_device.hpp"
#include "made_sweep.hpp"
#include "paths.hpp"

namespace itm::testing {
namespace {

#ifndef ITM_MPIRUN
#define ITM_MPIRUN ""
#endif

class MpiSweep : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(ITM_MPIRUN)) {
      GTEST_SKIP() << "this build has no MPI";
    }
    // More processes than cores, as root, in a container: what a test machine is and a cluster is not.
    for (const auto& [name, value] : {std::pair{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                                      {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                                      {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
                                      {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"}}) {
      ::setenv(name, value, 1);
    }
  }

  static RunningItm start(const MadeSweep& sweep, const std::string& processes, const std::string& journal) {
    std::vector<std::string> command{"-n", processes, testing::binary()};
    const std::vector<std::string> itm = sweep.command(journal);
    command.insert(command.end(), itm.begin(), itm.end());
    return RunningItm(command, ITM_MPIRUN);
  }
};

/// The process whose parent is `parent` and whose environment holds `variable`.
std::optional<pid_t> find_child(pid_t parent, const std::string& variable) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    pid_t process = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), process).ec != std::errc{}) {
      continue;
    }
    const std::string status = text_of(entry.path() / "status");
    const std::string environment = '\0' + text_of(entry.path() / "environ");
    if (status.find(fmt::format("\nPPid:\t{}\n", parent)) != std::string::npos &&
        environment.find('\0' + variable + '\0') != std::string::npos) {
      return process;
    }
  }
  return std::nullopt;
}

TEST_F(MpiSweep, EqualsOneProcess) {
  const MadeSweep sweep;
  ASSERT_EQ(run_itm(sweep.command("alone")).status, 0);
  for (const std::string processes : {"1", "2", "4"}) {
    const Finished run = start(sweep, processes, "by " + processes).wait();
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(contents_of(sweep.file("by " + processes)), contents_of(sweep.file("alone"))) << processes;
    EXPECT_NE(run.out.find("24 units, 2 data sets"), std::string::npos) << run.out;
    EXPECT_EQ(run.out.find("24 units"), run.out.rfind("24 units")) << "one process speaks";
  }
}

TEST_F(MpiSweep, LosesOnlyWhatWasInFlightWhenAProcessDies) {
  const MadeSweep sweep(1000);
  ASSERT_EQ(run_itm(sweep.command("alone")).status, 0);
  for (const std::string victim : {"2", "0"}) {
    const std::string journal = "killed " + victim;
    RunningItm job = start(sweep, "3", journal);
    while (lines_of(sweep.file(journal)).size() < 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const std::optional<pid_t> process = find_child(job.process(), "OMPI_COMM_WORLD_RANK=" + victim);
    if (!process) {
      (void)job.wait();
      GTEST_SKIP() << "this MPI starts its processes in another way";
    }
    kill(*process, SIGKILL);
    EXPECT_NE(job.wait().status, 0) << "the job ends with its process";
    const std::vector<std::string> kept = lines_of(sweep.file(journal));
    EXPECT_LT(kept.size(), 1 + MadeSweep::units);

    const Finished again = start(sweep, "3", journal).wait();
    ASSERT_EQ(again.status, 0) << again.err;
    const std::vector<std::string> lines = lines_of(sweep.file(journal));
    const std::set<std::string> now(lines.begin(), lines.end());
    for (const std::string& line : kept) {
      EXPECT_EQ(now.count(line), 1U) << "a finished unit was lost or repeated";
    }
    EXPECT_EQ(contents_of(sweep.file(journal)), contents_of(sweep.file("alone")));
  }
}

TEST_F(MpiSweep, SaysWhatIsWrongOnce) {
  const MadeSweep sweep;
  write_text(sweep.spec(), R"({"schema": "itm.sweep/1", "zoo": "zoo", "methods": ["best"]})");
  const Finished run = start(sweep, "3", "journal").wait();
  EXPECT_EQ(run.status, 2);
  const std::size_t first = run.err.find("there is no method 'best'");
  ASSERT_NE(first, std::string::npos) << run.err;
  EXPECT_EQ(first, run.err.rfind("there is no method 'best'")) << run.err;
}

TEST(LocalDevice, EachProcessHasItsOwnWhileThereAreEnough) {
  using cli::local_device;
  EXPECT_EQ(local_device(0, "", 4), "0");
  EXPECT_EQ(local_device(3, "", 4), "3");
  EXPECT_EQ(local_device(5, "", 4), "1") << "more processes than devices share";
  EXPECT_EQ(local_device(1, "2,3", 4), "3") << "among those that the job was given";
  EXPECT_EQ(local_device(1, "GPU-1b2c", 4), "GPU-1b2c") << "the launcher has chosen already";
  EXPECT_EQ(local_device(1, "", 0), "") << "there is none to choose";
}

}  // namespace
}  // namespace itm::testing
