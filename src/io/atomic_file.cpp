#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "io/where.hpp"
#include "itm/report.hpp"

namespace itm::io {

namespace fs = std::filesystem;

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

int open_temporary(const fs::path& folder, fs::path& name) {
  // The name is short and independent of the target's, which may be as long as the system allows.
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  for (int attempt = 0; attempt < 1000; ++attempt) {
    name = folder / fmt::format(".itm-{}-{}-{}.tmp", ::getpid(), now, attempt);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

}  // namespace

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
  if (fs::is_symlink(fs::symlink_status(file, ignored))) {
    const fs::path resolved = fs::weakly_canonical(file, ignored);
    if (!resolved.empty()) target_ = resolved;
  }
  const fs::path folder = folder_of(target_);
  if (!fs::is_directory(folder, ignored)) {
    refuse(where, "cannot be written because the folder {} does not exist; create it first", path_text(folder));
  }
  fd_ = open_temporary(folder, temporary_);
  if (fd_ < 0) {
    const int error = errno;
    temporary_.clear();
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
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
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
  if (temporary_.empty()) {  // a device or pipe: there is nothing to rename
    const int closed = ::close(fd_);
    fd_ = -1;
    if (closed != 0) refuse({name_, {}}, "cannot be written ({})", reason(errno));
    return;
  }
  const bool flushed = ::fsync(fd_) == 0;
  if (!flushed || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    discard();
    refuse({name_, {}}, "cannot be written ({}); nothing was left behind", reason(error));
  }
  temporary_.clear();
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
