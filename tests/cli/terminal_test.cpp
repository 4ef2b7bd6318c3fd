// Lost terminals, closed descriptors and full disks: work goes on, results are written, and the exit status tells when
// standard output could not be.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/resource.h>
#include <termios.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "paths.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

/// Runs a shell line in which $ITM is the program.
Finished shell(const std::string& line) {
  return RunningItm({"-c", "ITM=" + testing::binary() + "; " + line}, "/bin/sh").wait();
}

class WithoutATerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    write_small_zoo(folder_.path());
    zoo_ = folder_.path().string();
    write_text(folder_ / "spec.json", R"({"schema": "itm.sweep/1", "zoo": ".", "methods": ["logme", "knn"]})");
  }
  TemporaryFolder folder_;
  std::string zoo_;
};

TEST_F(WithoutATerminal, StandardErrorIsNotNeeded) {
  for (const std::string gone : {"2>&-", "2>/dev/full", "2>&- <&-"}) {
    const std::string json = zoo_ + "/ranking.json";
    const Finished ranked = shell("$ITM rank " + zoo_ + " --method all --verbose --out " + json + " " + gone);
    EXPECT_EQ(ranked.status, 0) << gone;
    EXPECT_TRUE(nlohmann::json::accept(text_of(json))) << gone;
    const Finished swept = shell("$ITM sweep " + zoo_ + "/spec.json --format json " + gone);
    EXPECT_EQ(swept.status, 0) << gone;
    EXPECT_TRUE(nlohmann::json::accept(swept.out)) << gone;
    EXPECT_EQ(shell("$ITM rank /nonexistent " + gone).status, 2) << gone;
    EXPECT_EQ(shell("$ITM rank --frobnicate " + gone).status, 2) << gone;
    std::filesystem::remove(json);
  }
}

TEST_F(WithoutATerminal, TheStatusTellsThatStandardOutputCouldNotBeWritten) {
  const std::vector<std::string> commands{"--help",       "--version",       "rank --help", "methods",
                                          "paper table1", "inspect " + zoo_, "rank " + zoo_};
  for (const std::string& command : commands) {
    for (const std::string gone : {">/dev/full", ">&-"}) {
      const Finished run = shell("$ITM " + command + " " + gone);
      EXPECT_EQ(run.status, 2) << command << " " << gone;
      EXPECT_EQ(run.err.rfind("itm: standard output: cannot be written (", 0), 0U) << command << run.err;
    }
  }
}

TEST_F(WithoutATerminal, FilesAreWrittenAlthoughStandardOutputIsGone) {
  const Finished ranked = shell("$ITM rank " + zoo_ + " --html " + zoo_ + "/report.html >/dev/full");
  EXPECT_EQ(ranked.status, 2);
  EXPECT_TRUE(text_of(folder_ / "report.html").ends_with("</html>\n"));
  const Finished made = shell("$ITM synth " + zoo_ + "/made --models 2 >/dev/full");
  EXPECT_EQ(made.status, 2);
  EXPECT_EQ(names_in(folder_ / "made").size(), 5U);
}

TEST_F(WithoutATerminal, NoResultFileGetsTheDescriptorOfStandardError) {
  const Finished run =
      shell("$ITM rank " + zoo_ + " --method leep --keep-going --verbose --out " + zoo_ + "/ranking.csv 2>&- >&- <&-");
  const std::string result = text_of(folder_ / "ranking.csv");
  EXPECT_EQ(run.status, 2);  // leep has no logits here
  EXPECT_EQ(result, "");
  EXPECT_EQ(shell("$ITM rank " + zoo_ + " --method knn --verbose --out " + zoo_ + "/ranking.csv 2>&- >&- <&-").status,
            0);
  EXPECT_EQ(text_of(folder_ / "ranking.csv").find("itm:"), std::string::npos);
}

TEST_F(WithoutATerminal, AReaderThatWentAwayGetsASentence) {
  const Finished run = shell("{ $ITM methods; echo $? >" + zoo_ + "/status; } | true");
  EXPECT_EQ(text_of(folder_ / "status"), "2\n");
  EXPECT_EQ(run.err, "itm: standard output: cannot be written (Broken pipe); free space or pass --out FILE\n");
}

TEST_F(WithoutATerminal, AFileSizeLimitGetsASentence) {
  const Finished run = shell("ulimit -f 0; $ITM rank " + zoo_ + " --method knn --out " + zoo_ + "/r.json 2>/dev/null");
  EXPECT_EQ(run.status, 2);
  for (const std::string& name : names_in(folder_.path())) {
    EXPECT_FALSE(name.starts_with(".itm-")) << name;
  }
}

/// `itm` in a terminal of its own, in its foreground or in the background as after `&`.
class Terminal {
 public:
  Terminal(std::vector<std::string> arguments, bool foreground) {
    const int pid = ::forkpty(&master_, nullptr, nullptr, nullptr);
    if (pid == 0) {
      session(std::move(arguments), foreground);
    }
    shell_ = pid;
    char line[32] = {};
    // The session's leader says who its child is.
    for (std::size_t at = 0; at + 1 < sizeof line && ::read(master_, line + at, 1) == 1 && line[at] != '\n';) {
      ++at;
    }
    itm_ = std::stoi(line);
  }
  void hang_up() const {
    ::kill(shell_, SIGKILL);
    ::close(master_);
    ::waitpid(shell_, nullptr, 0);
  }
  [[nodiscard]] pid_t itm() const { return itm_; }

 private:
  [[noreturn]] static void session(std::vector<std::string> arguments, bool foreground) {
    std::signal(SIGTTOU, SIG_IGN);
    const pid_t child = ::fork();
    if (child == 0) {
      ::setpgid(0, 0);
      if (foreground) {
        ::tcsetpgrp(0, ::getpgrp());
      }
      std::signal(SIGTTOU, SIG_DFL);
      std::string program = testing::binary();
      std::vector<char*> argv{program.data()};
      for (std::string& argument : arguments) {
        argv.push_back(argument.data());
      }
      argv.push_back(nullptr);
      ::execv(program.c_str(), argv.data());
      ::_exit(127);
    }
    ::setpgid(child, child);
    if (foreground) {
      ::tcsetpgrp(0, child);
    }
    ::dprintf(1, "%d\n", child);
    for (;;) {
      ::pause();
    }
  }

  int master_ = -1;
  pid_t shell_ = 0;
  pid_t itm_ = 0;
};

bool exists(pid_t process) {
  const std::string stat = text_of("/proc/" + std::to_string(process) + "/stat");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

bool ends_within(pid_t process, double seconds) {
  for (int i = 0; i < seconds * 100; ++i) {
    if (!exists(process)) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(WithoutATerminal, ARunInTheBackgroundOutlivesItsTerminal) {
  Terminal terminal(
      {"rank", zoo_, "--iterations", "3000", "--steps", "30", "--repeats", "4", "--out", zoo_ + "/ranking.json"},
      false);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  terminal.hang_up();
  ::kill(terminal.itm(), SIGHUP);  // as the shell does
  EXPECT_TRUE(ends_within(terminal.itm(), 120));
  EXPECT_TRUE(nlohmann::json::accept(text_of(folder_ / "ranking.json")));
}

TEST_F(WithoutATerminal, ARunInTheForegroundEndsWithIt) {
  Terminal terminal({"rank", zoo_, "--iterations", "100000", "--steps", "100", "--out", zoo_ + "/ranking.json"}, true);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  ASSERT_TRUE(exists(terminal.itm()));
  terminal.hang_up();
  EXPECT_TRUE(ends_within(terminal.itm(), 5));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "ranking.json"));
}

}  // namespace
}  // namespace itm::testing
