#include "io/cut_files.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include "io/where.hpp"

namespace itm::io {

/// One mapping. Odd versions are being changed: a reader that meets one, or two different ones, has read nothing.
struct CutWatch::Entry {
  std::atomic<std::uint64_t> version{0};
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<std::uint64_t> cut{0};  ///< 0: whole, else the number of the cut, from 1
  std::atomic<Entry*> next{nullptr};
  // What follows is behind the lock, never read by the handler.
  std::filesystem::path file;
  bool in_use = false;
  bool told = false;
};

namespace {

using Entry = CutWatch::Entry;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<Entry*>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

std::atomic<Entry*> entries{nullptr};
std::atomic<std::uint64_t> cuts{0};
struct sigaction previous;  // NOLINT: written once, before the handler is there
std::uintptr_t page_bytes = 4096;

struct CutMappings {
  struct Cut {
    std::filesystem::path file;
    std::uint64_t number;
    bool told;
  };
  std::mutex guard;
  std::vector<Cut> gone;  ///< cut mappings that are no more
};

/// Never destroyed: mappings may outlive every other object.
CutMappings& cut_mappings() {
  static auto* one = new CutMappings;
  return *one;
}

/// The entry whose mapping holds `address`.
Entry* entry_at(std::uintptr_t address) noexcept {
  for (Entry* entry = entries.load(); entry != nullptr; entry = entry->next.load()) {
    const std::uint64_t version = entry->version.load();
    const bool inside = entry->begin.load() <= address && address < entry->end.load();
    if (inside && version % 2 == 0 && entry->version.load() == version) return entry;
  }
  return nullptr;
}

/// The system call itself: the function's name may belong to a tool that locks or allocates, which a handler must not.
bool put_zeros(std::uintptr_t page, std::size_t size) noexcept {
  constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
#ifdef SYS_mmap
  return ::syscall(SYS_mmap, page, size, PROT_READ, how, -1, 0) != -1;
#else
  return ::mmap(reinterpret_cast<void*>(page), size, PROT_READ, how, -1, 0) != MAP_FAILED;
#endif
}

extern "C" void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  Entry* entry = info->si_code == BUS_ADRERR ? entry_at(address) : nullptr;
  if (entry != nullptr) {
    const std::uintptr_t page = address / page_bytes * page_bytes;
    // The whole rest: every later page lies behind the file's new end as well.
    if (put_zeros(page, entry->end.load() - page)) {
      std::uint64_t whole = 0;
      entry->cut.compare_exchange_strong(whole, cuts.fetch_add(1) + 1);
      errno = error;
      return;
    }
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    ::sigaction(SIGBUS, &previous, nullptr);
    ::raise(signal);  // as soon as this returns
  }
  errno = error;
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    ::sigaction(SIGBUS, nullptr, &previous);
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGBUS, &action, nullptr);
  });
}

void set_range(Entry& entry, std::uintptr_t begin, std::uintptr_t end) noexcept {
  entry.version.fetch_add(1);
  entry.begin.store(begin);
  entry.end.store(end);
  entry.version.fetch_add(1);
}

[[noreturn]] void refuse_file(const std::filesystem::path& file) {
  refuse({file, {}},
         "was cut short while it was read, or its disk failed; let whoever writes it finish, and try again");
}

}  // namespace

CutWatch::CutWatch(const std::filesystem::path& file, const std::byte* data, std::size_t size) {
  install_handler();
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  const std::lock_guard lock(cut_mappings().guard);
  entry_ = entries.load();
  while (entry_ != nullptr && entry_->in_use) entry_ = entry_->next.load();
  const bool is_new = entry_ == nullptr;
  if (is_new) entry_ = new Entry;  // never freed: the handler may be at it
  entry_->file = file;
  entry_->told = false;
  entry_->cut = 0;
  entry_->in_use = true;
  set_range(*entry_, begin, begin + size);
  if (is_new) {
    entry_->next = entries.load();
    entries = entry_;
  }
}

CutWatch::~CutWatch() {
  const std::lock_guard lock(cut_mappings().guard);
  set_range(*entry_, 0, 0);
  if (entry_->cut != 0) cut_mappings().gone.push_back({std::move(entry_->file), entry_->cut, entry_->told});
  entry_->in_use = false;
}

std::uint64_t cuts_noticed() noexcept { return cuts.load(); }

void refuse_cut(const std::vector<std::filesystem::path>& files, std::uint64_t since) {
  if (cuts == 0) return;
  const std::lock_guard lock(cut_mappings().guard);
  const auto concerns = [&](const std::filesystem::path& file) {
    return std::find(files.begin(), files.end(), file) != files.end();
  };
  for (Entry* entry = entries.load(); entry != nullptr; entry = entry->next.load()) {
    if (entry->in_use && entry->cut != 0 && concerns(entry->file)) {
      entry->told = true;
      refuse_file(entry->file);
    }
  }
  for (CutMappings::Cut& cut : cut_mappings().gone) {
    if (cut.number > since && concerns(cut.file)) {
      cut.told = true;
      refuse_file(cut.file);
    }
  }
}

void refuse_any_cut() {
  if (cuts == 0) return;
  const std::lock_guard lock(cut_mappings().guard);
  for (Entry* entry = entries.load(); entry != nullptr; entry = entry->next.load()) {
    if (entry->in_use && entry->cut != 0 && !std::exchange(entry->told, true)) refuse_file(entry->file);
  }
  for (CutMappings::Cut& cut : cut_mappings().gone) {
    if (!std::exchange(cut.told, true)) refuse_file(cut.file);
  }
}

}  // namespace itm::io
