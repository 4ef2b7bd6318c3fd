#include "io/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace itm::io {

namespace {

struct Limit {
  std::uint64_t bytes;
  std::string_view text;
  std::string_view kind;
};

Limit limit_of(TextKind kind) {
  constexpr std::uint64_t mebi = std::uint64_t{1} << 20U;
  switch (kind) {
    case TextKind::spec:
      return {mebi, "1 MiB", "the spec of a sweep"};
    case TextKind::trace:
      return {64 * mebi, "64 MiB", "a trace"};
    case TextKind::truth:
      return {256 * mebi, "256 MiB", "a table of accuracies"};
    case TextKind::scores:
      return {2048 * mebi, "2 GiB", "a file of scores"};
    case TextKind::names:
      return {256 * mebi, "256 MiB", "a list of labels or classes"};
    case TextKind::manifest:
      return {64 * mebi, "64 MiB", "the manifest of a zoo"};
    case TextKind::journal:
      break;
  }
  return {16384 * mebi, "16 GiB", "a journal"};
}

}  // namespace

int open_without_waiting(const std::filesystem::path& file, int flags, mode_t mode) {
  const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
  // Only signals that ask the program to stop have handlers; whoever asked while a dead file server keeps us waiting
  // must not wait any longer.
  if (descriptor < 0 && errno == EINTR) throw Interrupted();
  return descriptor;
}

std::uint64_t regular_size(const Where& where, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse(where, "cannot be read ({})", reason(errno));
  if (S_ISDIR(status.st_mode)) refuse(where, "is a directory, not a file; name a file inside it");
  if (!S_ISREG(status.st_mode)) refuse(where, "is not a regular file; save the data to a file first");
  return static_cast<std::uint64_t>(status.st_size);
}

InputFile::InputFile(const std::filesystem::path& file) {
  const Where where{file, {}};
  descriptor_ = open_without_waiting(file, O_RDONLY);
  if (descriptor_ < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) refuse(where, "no such file; check the path");
    if (error == ELOOP) refuse(where, "is a symbolic link that leads to itself; name the file that it should lead to");
    if (error == ENXIO || error == ENODEV) refuse(where, "is not a regular file; save the data to a file first");
    refuse(where, "cannot be opened ({}); check its permissions", reason(error));
  }
  try {
    size_ = regular_size(where, descriptor_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int InputFile::release() noexcept { return std::exchange(descriptor_, -1); }

std::string read_text(const std::filesystem::path& file, TextKind kind) {
  const InputFile input(file);
  if (input.size() == 0 && kind != TextKind::journal) refuse({file, {}}, "is empty (0 bytes); write it again");
  return read_text({file, {}}, input.descriptor(), kind);
}

std::string read_text(const Where& where, int descriptor, TextKind kind) {
  const std::uint64_t size = regular_size(where, descriptor);
  const Limit limit = limit_of(kind);
  if (size > limit.bytes) {
    refuse(where, "has {} bytes, more than {} may have ({}); name another file", with_commas(size), limit.kind,
           limit.text);
  }
  constexpr std::size_t block = std::size_t{1} << 20U;
  std::string text;
  for (;;) {
    const std::size_t begin = text.size();
    if (begin > limit.bytes) {  // it grows while it is read
      refuse(where, "grew beyond {}, more than {} may have; name another file", limit.text, limit.kind);
    }
    text.resize(begin + block);
    const ssize_t got = ::pread(descriptor, text.data() + begin, text.size() - begin, static_cast<off_t>(begin));
    const int error = errno;
    text.resize(begin + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) {
      if (error == EINTR) throw Interrupted();
      refuse(where, "cannot be read ({}); check the disk", reason(error));
    }
    if (got == 0 || std::memchr(text.data() + begin, 0, text.size() - begin) != nullptr) return text;
  }
}

}  // namespace itm::io
