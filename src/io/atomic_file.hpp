#pragma once
// A file that is either whole or absent: bytes go to a hidden temporary file in the same folder, commit() makes them
// durable and renames. Permissions of a file that is replaced are kept. Without commit() (an exception, Ctrl-C) the
// temporary file is removed; what a killed process left is removed by the next one that writes the same target.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

#include "io/temporary.hpp"

namespace itm::io {

class AtomicFile {
 public:
  /// Follows symbolic links; a device or pipe (/dev/stdout) is written directly. Throws InputError when the folder does
  /// not exist or is not writable.
  explicit AtomicFile(const std::filesystem::path& file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws InputError when the disk is full or fails.
  void write(std::span<const std::byte> bytes);
  /// fsync, rename, fsync of the folder. Throws InputError; the target is then untouched.
  void commit();

 private:
  void discard() noexcept;

  std::filesystem::path name_;          ///< as the caller named it, for messages
  std::filesystem::path target_;        ///< links resolved
  std::optional<Temporary> temporary_;  ///< nothing when written directly, and after commit
  int fd_ = -1;
};

/// Removes the temporary files that killed writers of `file` left beside it, and none of a living one.
void remove_dead_temporaries(const std::filesystem::path& file);

}  // namespace itm::io
