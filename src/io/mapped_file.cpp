#include "io/mapped_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>

#include "io/input_file.hpp"
#include "io/where.hpp"

namespace itm::io {

namespace {

/// Marks an owner as a mapping: std::get_deleter recognises the type.
struct Unmap {
  void operator()(const MappedFile* file) const noexcept { delete file; }
};

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
  const InputFile input(file);
  if (input.size() == 0) refuse(where, "is empty (0 bytes); write it again");
  const auto size = static_cast<std::size_t>(input.size());
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, input.descriptor(), 0);
  if (data == MAP_FAILED) {
    if (errno == ENOMEM) throw std::bad_alloc();
    refuse(where, "cannot be mapped into memory ({})", reason(errno));
  }
  const MappedFile* mapped = nullptr;
  try {
    mapped = new MappedFile(file, static_cast<const std::byte*>(data), size);
  } catch (...) {
    ::munmap(data, size);
    throw;
  }
  return {mapped, Unmap{}};
}

const MappedFile* MappedFile::behind(const std::shared_ptr<const void>& owner) noexcept {
  return std::get_deleter<Unmap>(owner) == nullptr ? nullptr : static_cast<const MappedFile*>(owner.get());
}

MappedFile::~MappedFile() {
  watch_.reset();  // before somebody else can be given these addresses
  ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::prefetch(const std::byte* begin, const std::byte* end) const noexcept {
  advise(page_below(begin), end, MADV_WILLNEED);
}

void MappedFile::release(const std::byte* begin, const std::byte* end) const noexcept {
  // The tail of the file shares its last page with nobody else.
  const std::byte* stop = end == data_ + size_ ? end : page_below(end);
  advise(page_below(begin + page_size() - 1), stop, MADV_DONTNEED);
}

}  // namespace itm::io
