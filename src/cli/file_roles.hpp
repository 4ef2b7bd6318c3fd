#pragma once
// What a command reads and what it writes, so that no result ever replaces an input: by another spelling of its path,
// through a link, or as another name of the same file.

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace itm::cli {

/// Refuses, before the work, a file that cannot be written after it: its folder is missing or not writable, or it is a
/// folder itself. Throws InputError; `option` names where the file was given.
void check_target(std::string_view option, const std::filesystem::path& file);

/// Each function throws InputError, naming option and file, when the file that it is told of is one that it knows and
/// at least one of the two is written. An empty path is none.
class FileRoles {
 public:
  /// `role` completes "--out x: is ...": "the file of --truth".
  void reads(std::string_view role, const std::filesystem::path& file);
  /// Also refuses what check_target() refuses, and removes what killed runs left beside the file.
  void writes(std::string_view option, const std::filesystem::path& file);
  /// A result may take the place of an older file.
  void may_replace(bool replace) { may_replace_ = replace; }
  /// Throws InputError where a result would take the place of an older file and may not. Asked last, when all files are
  /// named and before the work: an input is the worse thing to lose.
  void require_new() const;
  /// A journal: read, and written as the work goes on.
  void keeps(std::string_view option, std::string_view role, const std::filesystem::path& file);

 private:
  using Identity = std::pair<dev_t, ino_t>;
  struct Target {
    std::string option;
    std::string role;
    std::filesystem::path file;
    std::filesystem::path whole;       ///< absolute, links resolved
    std::optional<Identity> identity;  ///< where it exists
    bool is_result = true;             ///< else a journal
  };

  static std::optional<Identity> identity_of(const std::filesystem::path& file);
  void add(Target target);

  std::map<Identity, std::string> inputs_;  ///< and their roles
  std::vector<Target> targets_;
  bool may_replace_ = false;
};

}  // namespace itm::cli
