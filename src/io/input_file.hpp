#pragma once
// The one way in for every file that the program reads. Only a regular file is read: a pipe that nobody writes to, a
// device or a folder gets a sentence before the first byte, and opening never waits. scripts/lint.sh keeps every other
// file of src/ from opening files itself.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "io/where.hpp"

namespace itm::io {

/// ::open() with O_CLOEXEC and O_NONBLOCK (a pipe must not hang) beside `flags`; -1 and errno where it fails. Throws
/// Interrupted where a signal ended the wait for a slow file system.
[[nodiscard]] int open_without_waiting(const std::filesystem::path& file, int flags, mode_t mode = 0);

/// Bytes of the regular file behind a descriptor. Throws InputError for a directory, pipe, socket or device.
[[nodiscard]] std::uint64_t regular_size(const Where& where, int descriptor);

/// A regular file open for reading.
class InputFile {
 public:
  /// Throws InputError when the file does not exist, cannot be opened or is no regular file.
  explicit InputFile(const std::filesystem::path& file);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Hands the descriptor over; the caller closes it.
  [[nodiscard]] int release() noexcept;

 private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// What is read into memory as text; each kind has a largest size that makes sense.
enum class TextKind : std::uint8_t {
  spec,      ///< of a sweep: 1 MiB
  trace,     ///< trace.json: 64 MiB
  truth,     ///< accuracies as CSV: 256 MiB
  scores,    ///< of a ranking, JSON or CSV: 2 GiB
  journal,   ///< of a sweep: 16 GiB
  names,     ///< labels or names of classes, one a line: 256 MiB
  manifest,  ///< of a zoo: 64 MiB
};

/// The text of a file. Memory grows with the bytes that really are there: reading stops behind a block with a zero
/// byte, which no text has and every hole of a sparse file is. Throws InputError as InputFile does, for an empty file
/// (an empty journal is one that has not begun) and for one that is larger than its kind may be.
[[nodiscard]] std::string read_text(const std::filesystem::path& file, TextKind kind);
/// The same from a descriptor, from its first byte on; `where` serves messages.
[[nodiscard]] std::string read_text(const Where& where, int descriptor, TextKind kind);

}  // namespace itm::io
