// A result file is whole or absent, and no temporary file stays behind.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>

#include "files.hpp"
#include "io/atomic_file.hpp"
#include "itm/report.hpp"

namespace itm {
namespace {

using Names = std::vector<std::string>;
class AtomicFiles : public test::FileTest {};

TEST_F(AtomicFiles, TextArrivesWhole) {
  write_file_atomically(folder / "r.json", "{}\n");
  EXPECT_EQ(test::read_file(folder / "r.json"), "{}\n");
  write_file_atomically(folder / "r.json", "second");
  EXPECT_EQ(test::read_file(folder / "r.json"), "second");
  EXPECT_EQ(names_in_folder(), Names{"r.json"});
}

TEST_F(AtomicFiles, FilesHaveTheUsualPermissions) {
  const mode_t mask = umask(022);
  write_file_atomically(folder / "r.json", "{}");
  umask(mask);
  struct stat status {};
  ASSERT_EQ(stat((folder / "r.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(AtomicFiles, PermissionsOfTheFileThatIsReplacedAreKept) {
  const mode_t mask = umask(022);
  for (const mode_t mode : {0600U, 0664U, 0440U}) {
    const std::filesystem::path file = write("r.json", "old");
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    write_file_atomically(file, "new");
    struct stat status {};
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, mode);
    EXPECT_EQ(test::read_file(file), "new");
    std::filesystem::remove(file);
  }
  umask(mask);
}

TEST_F(AtomicFiles, UntilCommittedTheOldFileStands) {
  write("r.json", "old");
  {
    io::AtomicFile out(folder / "r.json");
    out.write(test::as_bytes("half a res"));
    EXPECT_EQ(test::read_file(folder / "r.json"), "old");
  }
  EXPECT_EQ(test::read_file(folder / "r.json"), "old");
  EXPECT_EQ(names_in_folder(), Names{"r.json"});
}

TEST_F(AtomicFiles, ALinkIsFollowed) {
  write("real.json", "old");
  std::filesystem::create_symlink("real.json", folder / "link.json");
  write_file_atomically(folder / "link.json", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.json"));
  EXPECT_EQ(test::read_file(folder / "real.json"), "new");
}

TEST_F(AtomicFiles, DevicesAreWrittenDirectly) {
  write_file_atomically("/dev/null", "text");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(AtomicFiles, FailuresNameTheFileAndLeaveNothing) {
  EXPECT_REFUSED(write_file_atomically(folder / "no" / "r.json", "{}"),
                 "r.json: cannot be written because the folder " + (folder / "no").string() + " does not exist");
  EXPECT_REFUSED(write_file_atomically(folder, "{}"), "is a folder; name a file inside it");
  EXPECT_REFUSED(write_file_atomically(folder / "", "{}"), "names a folder");
  EXPECT_REFUSED(write_file_atomically("/dev/full", "{}"), "/dev/full: cannot be written (No space left on device)");
  // The rename fails after everything was written.
  EXPECT_REFUSED(write_file_atomically(folder / std::string(300, 'x'), "{}"), "cannot be written (File name too long)");
  EXPECT_TRUE(names_in_folder().empty());
}

/// Runs `work` in a process of its own, which then waits to be killed.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& target) {
    int ready[2];
    if (pipe(ready) != 0) throw std::runtime_error("no pipe");
    process_ = fork();
    if (process_ == 0) {
      io::AtomicFile out(target);
      out.write(test::as_bytes("half"));
      (void)!::write(ready[1], "", 1);
      for (;;) pause();
    }
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Writer() { kill_it(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  void kill_it() {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
      process_ = 0;
    }
  }

 private:
  pid_t process_ = 0;
};

TEST_F(AtomicFiles, WhatAKilledWriterLeftGoesWithTheNextOne) {
  Writer(folder / "r.json").kill_it();
  ASSERT_EQ(names_in_folder().size(), 1U);
  write_file_atomically(folder / "r.json", "whole");
  EXPECT_EQ(names_in_folder(), Names{"r.json"});
}

TEST_F(AtomicFiles, ALivingWriterKeepsItsTemporaryFileAndSoDoesAnotherTarget) {
  const Writer living(folder / "r.json");
  Writer(folder / "other.json").kill_it();
  ASSERT_EQ(names_in_folder().size(), 2U);
  write_file_atomically(folder / "r.json", "whole");
  io::remove_dead_temporaries(folder / "r.json");
  EXPECT_EQ(names_in_folder().size(), 3U);
  io::remove_dead_temporaries(folder / "other.json");
  EXPECT_EQ(names_in_folder().size(), 2U);
}

TEST_F(AtomicFiles, SeveralWritersOfOneTargetDoNotMeet) {
  const Writer first(folder / "r.json");
  const Writer second(folder / "r.json");
  write_file_atomically(folder / "r.json", "third");
  EXPECT_EQ(test::read_file(folder / "r.json"), "third");
  EXPECT_EQ(names_in_folder().size(), 3U);
}

TEST_F(AtomicFiles, EndingTheProcessRemovesAllTemporaries) {
  const pid_t process = fork();
  if (process == 0) {
    io::AtomicFile first(folder / "a.json");
    io::AtomicFile second(folder / "b.json");
    first.write(test::as_bytes("half"));
    io::remove_temporaries();
    _exit(0);
  }
  waitpid(process, nullptr, 0);
  EXPECT_TRUE(names_in_folder().empty());
}

}  // namespace
}  // namespace itm
