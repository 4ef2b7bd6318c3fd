#include "cli/file_roles.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "core/text.hpp"
#include "io/atomic_file.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(std::string_view option, const fs::path& file, std::string_view role) {
  throw InputError(fmt::format("{} {}: is {}; name another file", option, path_text(file), role));
}

fs::path whole(const fs::path& file) {
  std::error_code ignored;
  return fs::weakly_canonical(fs::absolute(file, ignored), ignored);
}

}  // namespace

void check_target(std::string_view option, const fs::path& file) {
  std::error_code ignored;
  const std::string name = fmt::format("{} {}", option, path_text(file));
  if (fs::is_directory(file, ignored)) {
    throw InputError(name + ": is a folder; name a file inside it");
  }
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!fs::is_directory(folder, ignored)) {
    throw InputError(fmt::format("{}: the folder {} does not exist; create it first", name, path_text(folder)));
  }
  const bool is_device = fs::exists(file, ignored) && !fs::is_regular_file(file, ignored);
  if (!is_device && ::access(folder.c_str(), W_OK) != 0) {
    throw InputError(fmt::format("{}: the folder {} is not writable; choose another place", name, path_text(folder)));
  }
}

std::optional<FileRoles::Identity> FileRoles::identity_of(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? std::optional(Identity{status.st_dev, status.st_ino}) : std::nullopt;
}

void FileRoles::reads(std::string_view role, const fs::path& file) {
  // What does not exist cannot be replaced, and is refused by whoever reads it.
  const std::optional<Identity> identity = file.empty() ? std::nullopt : identity_of(file);
  if (!identity) {
    return;
  }
  for (const Target& target : targets_) {
    if (target.identity == identity) {
      refuse(target.option, target.file, role);
    }
  }
  inputs_.emplace(*identity, role);
}

void FileRoles::writes(std::string_view option, const fs::path& file) {
  if (file.empty()) {
    return;
  }
  check_target(option, file);
  add({std::string(option), fmt::format("the file of {} as well", option), file, whole(file), identity_of(file), true});
  io::remove_dead_temporaries(file);
}

void FileRoles::require_new() const {
  for (const Target& target : targets_) {
    std::error_code ignored;
    if (target.is_result && !may_replace_ && fs::is_regular_file(target.file, ignored)) {
      throw InputError(
          fmt::format("{} {}: is there already; pass --force to replace it", target.option, path_text(target.file)));
    }
  }
}

void FileRoles::keeps(std::string_view option, std::string_view role, const fs::path& file) {
  if (!file.empty()) {
    add({std::string(option), std::string(role), file, whole(file), identity_of(file), false});
  }
}

void FileRoles::add(Target target) {
  for (const Target& other : targets_) {
    if (other.whole == target.whole || (target.identity && other.identity == target.identity)) {
      const bool blame_other = other.is_result && !target.is_result;
      refuse(blame_other ? other.option : target.option, blame_other ? other.file : target.file,
             blame_other ? target.role : other.role);
    }
  }
  if (target.identity) {
    if (const auto input = inputs_.find(*target.identity); input != inputs_.end()) {
      refuse(target.option, target.file, input->second);
    }
  }
  targets_.push_back(std::move(target));
}

}  // namespace itm::cli
