#include "bench/memory_trace.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace itm::trace {
namespace {

constexpr std::size_t sector = 32;

/// One bit a sector of an allocation.
class Touched {
 public:
  explicit Touched(std::size_t bytes) : words_((bytes / sector + 64) / 64) {}
  void touch(std::size_t at) {
    std::uint64_t& word = words_[at / 64];
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    if (word == 0) {
      dirty_.push_back(at / 64);
    }
    count_ += (word & bit) == 0 ? 1 : 0;
    word |= bit;
  }
  /// How many, and forgets them.
  std::size_t take() {
    for (const std::size_t at : dirty_) {
      words_[at] = 0;
    }
    dirty_.clear();
    const std::size_t count = count_;
    count_ = 0;
    return count;
  }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::size_t> dirty_;
  std::size_t count_ = 0;
};

struct Allocation {
  std::uintptr_t end;
  Touched read;
  Touched written;
};

std::map<std::uintptr_t, Allocation>& allocations() {
  static std::map<std::uintptr_t, Allocation> all;
  return all;
}

bool tracing = false;
std::pair<const std::uintptr_t, Allocation>* last = nullptr;

void note(const void* memory, std::size_t bytes, bool writes) {
  if (!tracing || bytes == 0) {
    return;
  }
  const auto at = reinterpret_cast<std::uintptr_t>(memory);
  if (last == nullptr || at < last->first || at >= last->second.end) {
    auto above = allocations().upper_bound(at);
    if (above == allocations().begin()) {
      return;
    }
    --above;
    if (at >= above->second.end) {
      return;
    }
    last = &*above;
  }
  Touched& touched = writes ? last->second.written : last->second.read;
  const std::size_t offset = at - last->first;
  for (std::size_t s = offset / sector; s <= (offset + bytes - 1) / sector; ++s) {
    touched.touch(s);
  }
}

}  // namespace

void add_memory(const void* memory, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(memory);
  allocations().insert_or_assign(at, Allocation{at + bytes, Touched(bytes), Touched(bytes)});
  last = nullptr;
}

void remove_memory(const void* memory) {
  allocations().erase(reinterpret_cast<std::uintptr_t>(memory));
  last = nullptr;
}

void begin() {
  (void)end();
  tracing = true;
}

Traffic end() {
  tracing = false;
  Traffic traffic;
  for (auto& [at, allocation] : allocations()) {
    traffic.read += sector * allocation.read.take();
    traffic.written += sector * allocation.written.take();
  }
  return traffic;
}

}  // namespace itm::trace

// NOLINTBEGIN: the names and types are the compiler's
using itm::trace::note;
extern "C" {
#define ITM_ACCESS(bytes)                                                         \
  void __tsan_read##bytes(void* memory) { note(memory, bytes, false); }           \
  void __tsan_write##bytes(void* memory) { note(memory, bytes, true); }           \
  void __tsan_unaligned_read##bytes(void* memory) { note(memory, bytes, false); } \
  void __tsan_unaligned_write##bytes(void* memory) { note(memory, bytes, true); }
ITM_ACCESS(1)
ITM_ACCESS(2)
ITM_ACCESS(4)
ITM_ACCESS(8)
ITM_ACCESS(16)
#undef ITM_ACCESS
void __tsan_read_range(void* memory, std::size_t bytes) { note(memory, bytes, false); }
void __tsan_write_range(void* memory, std::size_t bytes) { note(memory, bytes, true); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
#define ITM_ATOMIC(bits)                                                                                              \
  std::uint##bits##_t __tsan_atomic##bits##_load(const volatile std::uint##bits##_t* at, int) {                       \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                                     \
  }                                                                                                                   \
  void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* at, std::uint##bits##_t value, int) {                \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                                    \
  }                                                                                                                   \
  std::uint##bits##_t __tsan_atomic##bits##_exchange(volatile std::uint##bits##_t* at, std::uint##bits##_t value,     \
                                                     int) {                                                           \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                                          \
  }                                                                                                                   \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_add(volatile std::uint##bits##_t* at, std::uint##bits##_t value,    \
                                                      int) {                                                          \
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);                                                           \
  }                                                                                                                   \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_sub(volatile std::uint##bits##_t* at, std::uint##bits##_t value,    \
                                                      int) {                                                          \
    return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);                                                           \
  }                                                                                                                   \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile std::uint##bits##_t* at, std::uint##bits##_t* expected, \
                                                     std::uint##bits##_t value, int, int) {                           \
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
  }                                                                                                                   \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile std::uint##bits##_t* at, std::uint##bits##_t* expected,   \
                                                   std::uint##bits##_t value, int, int) {                             \
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
  }
ITM_ATOMIC(8)
ITM_ATOMIC(16)
ITM_ATOMIC(32)
ITM_ATOMIC(64)
#undef ITM_ATOMIC
}
// NOLINTEND
