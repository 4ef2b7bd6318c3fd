#include "io/temporary.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

namespace itm::io {

namespace fs = std::filesystem;

/// Never destroyed: the thread that watches for signals may come after static destructors.
struct Registry {
  std::mutex guard;
  Temporary::Entries entries;
};

Registry& Temporary::registry() {
  static auto* const all = new Registry;
  return *all;
}

Temporary::Temporary(fs::path path, Kind kind) {
  Registry& all = registry();
  const std::lock_guard lock(all.guard);
  entry_ = all.entries.insert(all.entries.end(), {std::move(path), kind});
  owned_ = true;
}

std::optional<Temporary> Temporary::create(const fs::path& file, int& descriptor) {
  Registry& all = registry();
  const std::lock_guard lock(all.guard);
  const auto entry = all.entries.insert(all.entries.end(), {file, Kind::file});
  descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    const int error = errno;
    all.entries.erase(entry);
    errno = error;
    return std::nullopt;
  }
  return Temporary(entry);
}

Temporary::Temporary(Temporary&& other) noexcept : entry_(other.entry_), owned_(std::exchange(other.owned_, false)) {}

Temporary::~Temporary() {
  if (!owned_) return;
  Registry& all = registry();
  const std::lock_guard lock(all.guard);
  remove(*entry_);
  all.entries.erase(entry_);
}

void Temporary::keep() noexcept {
  if (!std::exchange(owned_, false)) return;
  Registry& all = registry();
  const std::lock_guard lock(all.guard);
  all.entries.erase(entry_);
}

void Temporary::remove(const Entry& entry) noexcept {
  std::error_code ignored;
  if (entry.kind == Kind::folder_with_contents) {
    try {
      fs::remove_all(entry.path, ignored);
    } catch (...) {  // no memory for its names
    }
  } else if (entry.kind == Kind::empty_folder) {
    ::rmdir(entry.path.c_str());
  } else {
    ::unlink(entry.path.c_str());
  }
}

void remove_temporaries() noexcept {
  Registry& all = Temporary::registry();
  all.guard.lock();  // and never unlocked
  for (auto entry = all.entries.rbegin(); entry != all.entries.rend(); ++entry) Temporary::remove(*entry);
}

}  // namespace itm::io
