#include "io/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "io/where.hpp"

namespace itm::io {

namespace {

/// Marks an owner as a mapping: std::get_deleter recognises the type.
struct Unmap {
  void operator()(const MappedFile* file) const noexcept { delete file; }
};

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) { return std::generic_category().message(error); }

void advise(const std::byte* begin, const std::byte* end, int advice) noexcept {
  if (begin < end) {
    // madvise takes a pointer to non-const but changes no byte of a read-only file mapping.
    ::madvise(const_cast<std::byte*>(begin), static_cast<std::size_t>(end - begin), advice);
  }
}

std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

const std::byte* page_below(const std::byte* at) noexcept {
  return at - reinterpret_cast<std::uintptr_t>(at) % page_size();
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& file) {
  const Where where{file, {}};
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) refuse(where, "no such file; check the path");
    refuse(where, "cannot be opened ({}); check its permissions", reason(errno));
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) refuse(where, "cannot be read ({})", reason(errno));
  if (S_ISDIR(status.st_mode)) refuse(where, "is a directory, not a file; name a file inside it");
  if (!S_ISREG(status.st_mode)) refuse(where, "is not a regular file; save the data to a file first");
  if (status.st_size == 0) refuse(where, "is empty (0 bytes); write it again");
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) refuse(where, "cannot be mapped into memory ({})", reason(errno));
  return {new MappedFile(static_cast<const std::byte*>(data), size), Unmap{}};
}

const MappedFile* MappedFile::behind(const std::shared_ptr<const void>& owner) noexcept {
  return std::get_deleter<Unmap>(owner) == nullptr ? nullptr : static_cast<const MappedFile*>(owner.get());
}

MappedFile::~MappedFile() { ::munmap(const_cast<std::byte*>(data_), size_); }

void MappedFile::prefetch(const std::byte* begin, const std::byte* end) const noexcept {
  advise(page_below(begin), end, MADV_WILLNEED);
}

void MappedFile::release(const std::byte* begin, const std::byte* end) const noexcept {
  // The tail of the file shares its last page with nobody else.
  const std::byte* stop = end == data_ + size_ ? end : page_below(end);
  advise(page_below(begin + page_size() - 1), stop, MADV_DONTNEED);
}

}  // namespace itm::io
