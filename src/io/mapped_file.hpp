#pragma once
// A file mapped read-only into memory.
//
// Arrays keep a mapping alive through their shared_ptr<const void> owner. MappedFile::behind() finds the mapping again,
// so that whoever has copied a range can hand its pages back to the system and peak memory stays near one copy. A file
// that another process cuts short while it is mapped reads as zeros from there on; io/cut_files.hpp tells.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "io/cut_files.hpp"

namespace itm::io {

class MappedFile {
 public:
  /// Throws InputError when the file does not exist, is no regular file, cannot be opened, or is empty.
  [[nodiscard]] static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file);
  /// The mapping that `owner` keeps alive; nullptr when the bytes came from elsewhere.
  [[nodiscard]] static const MappedFile* behind(const std::shared_ptr<const void>& owner) noexcept;

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  /// Starts reading [begin, end) from disk in the background.
  void prefetch(const std::byte* begin, const std::byte* end) const noexcept;
  /// Gives back the pages that lie wholly in [begin, end); they come back from the file when touched again.
  void release(const std::byte* begin, const std::byte* end) const noexcept;

 private:
  MappedFile(const std::filesystem::path& file, const std::byte* data, std::size_t size)
      : data_(data), size_(size), watch_(std::in_place, file, data, size) {}

  const std::byte* data_;
  std::size_t size_;
  std::optional<CutWatch> watch_;
};

}  // namespace itm::io
