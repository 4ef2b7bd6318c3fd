#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL  // the system's library is not linked
#include <xxhash.h>

#include <cerrno>
#include <utility>

#include "io/where.hpp"
#include "itm/report.hpp"

namespace itm::io {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// Writers of one target at the same time, at most.
constexpr int slots = 8;

/// The name of a writer's temporary file is short and independent of the target's length, which may be as long as the
/// system allows, and tells whose it is: the next run that writes the target finds what a killed one left.
fs::path temporary_of(const fs::path& target, int slot) {
  const std::string name = target.filename().native();
  return folder_of(target) / fmt::format(".itm-{:016x}-{}.tmp", XXH3_64bits(name.data(), name.size()), slot);
}

/// Whether the name still stands for the open file.
bool is_at(int fd, const fs::path& name) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(fd, &mine) == 0 && ::lstat(name.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
         mine.st_dev == there.st_dev;
}

/// Removes a temporary file whose writer is dead: a living one holds its lock, on whatever machine it runs.
void remove_if_dead(const fs::path& name) {
  constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = ::open(name.c_str(), O_WRONLY | flags);
  if (fd < 0 && errno == EACCES) fd = ::open(name.c_str(), O_RDONLY | flags);
  if (fd < 0) return;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, name)) ::unlink(name.c_str());
  ::close(fd);
}

std::optional<Temporary> open_temporary(const fs::path& target, int& fd) {
  constexpr int tries_per_slot = 3;
  for (int attempt = 0; attempt < slots * tries_per_slot; ++attempt) {
    const fs::path name = temporary_of(target, attempt / tries_per_slot);
    std::optional<Temporary> made = Temporary::create(name, fd);
    if (!made && errno != EEXIST) return made;
    if (!made) continue;
    // Before it was locked, another run may have taken the file for a dead one's.
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      made->keep();
      ::close(std::exchange(fd, -1));
      continue;
    }
    if (is_at(fd, name)) return made;
    made->keep();
    ::close(std::exchange(fd, -1));
  }
  errno = EBUSY;
  return std::nullopt;
}

fs::path resolved(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_symlink(fs::symlink_status(file, ignored))) return file;
  const fs::path target = fs::weakly_canonical(file, ignored);
  return target.empty() ? file : target;
}

}  // namespace

void remove_dead_temporaries(const fs::path& file) {
  const fs::path target = resolved(file);
  for (int slot = 0; slot < slots; ++slot) remove_if_dead(temporary_of(target, slot));
}

AtomicFile::AtomicFile(const fs::path& file) : name_(file), target_(file) {
  const Where where{file, {}};
  std::error_code ignored;
  if (file.filename().empty()) refuse(where, "cannot be written because it names a folder; name a file");
  const fs::file_status status = fs::status(file, ignored);
  if (fs::is_directory(status)) refuse(where, "cannot be written because it is a folder; name a file inside it");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fd_ = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) refuse(where, "cannot be written ({})", reason(errno));
    return;
  }
  target_ = resolved(file);
  const fs::path folder = folder_of(target_);
  if (!fs::is_directory(folder, ignored)) {
    refuse(where, "cannot be written because the folder {} does not exist; create it first", path_text(folder));
  }
  remove_dead_temporaries(target_);
  if (auto made = open_temporary(target_, fd_)) {
    temporary_.emplace(*std::move(made));
  } else {
    const int error = errno;
    if (error == EBUSY) refuse(where, "cannot be written because {} other runs write it now; wait for them", slots);
    refuse(where, "cannot be written because the folder {} is not writable ({}); choose another place",
           path_text(folder), reason(error));
  }
  struct stat replaced {};
  if (::stat(target_.c_str(), &replaced) == 0) {
    // A file that only its owner may read stays so. Where the file system has no permissions, nothing is lost.
    (void)!::fchmod(fd_, replaced.st_mode & 0777U);
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  temporary_.reset();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      discard();
      refuse({name_, {}}, "cannot be written ({}); nothing was left behind", reason(error));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (!temporary_) {  // a device or pipe: there is nothing to rename
    const int closed = ::close(fd_);
    fd_ = -1;
    if (closed != 0) refuse({name_, {}}, "cannot be written ({})", reason(errno));
    return;
  }
  const bool flushed = ::fsync(fd_) == 0;
  if (!flushed || ::rename(temporary_->path().c_str(), target_.c_str()) != 0) {
    const int error = errno;
    discard();
    refuse({name_, {}}, "cannot be written ({}); nothing was left behind", reason(error));
  }
  temporary_->keep();
  discard();
  // The file is whole already; without this only the rename could be lost in a power failure, so a failure is no error.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

}  // namespace itm::io

namespace itm {

void write_file_atomically(const std::filesystem::path& file, std::string_view text) {
  io::AtomicFile out(file);
  out.write(std::as_bytes(std::span(text)));
  out.commit();
}

}  // namespace itm
