#pragma once
// Files and folders that must not outlive the process. Each is removed with its object; those of all threads at once by
// remove_temporaries(), when a signal ends the process without unwinding.

#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>

namespace itm::io {

class Temporary {
 public:
  enum class Kind : std::uint8_t { file, empty_folder, folder_with_contents };

  /// Something that is there. An `empty_folder` that holds something else by then stays.
  explicit Temporary(std::filesystem::path path, Kind kind = Kind::file);
  ~Temporary();  ///< removes it
  Temporary(Temporary&& other) noexcept;
  Temporary& operator=(Temporary&&) = delete;
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  /// Creates a file that must not exist and opens it for writing; nothing, and errno, where that fails. No moment
  /// passes in which the file exists and remove_temporaries() does not know it.
  static std::optional<Temporary> create(const std::filesystem::path& file, int& descriptor);

  /// From now on it may stay.
  void keep() noexcept;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return entry_->path; }

 private:
  struct Entry {
    std::filesystem::path path;
    Kind kind;
  };
  using Entries = std::list<Entry>;

  explicit Temporary(Entries::iterator entry) noexcept : entry_(entry), owned_(true) {}
  static void remove(const Entry& entry) noexcept;
  friend void remove_temporaries() noexcept;
  static struct Registry& registry();
  friend struct Registry;

  Entries::iterator entry_;
  bool owned_ = false;
};

/// Removes what all objects of the process stand for, the latest first, and lets no thread make another: the caller
/// ends the process next.
void remove_temporaries() noexcept;

}  // namespace itm::io
