#pragma once
// Large working arrays on huge pages, small ones on cache lines: with 4 KB pages a matrix product walks more pages than
// the TLB holds. Where the system has no huge pages to give, this is an ordinary aligned allocation. What lies between
// gets its pages in one call: one by one, as they are touched, they cost half as much again.

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

namespace itm {

constexpr std::size_t huge_page = std::size_t{2} << 20U;

/// Has the whole pages of a block made present. Kernels before 5.14 refuse; then each comes when it is touched.
inline void populate(void* memory, std::size_t bytes) {
#if defined(MADV_POPULATE_WRITE)
  constexpr std::uintptr_t page = 4096;
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const std::uintptr_t last = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  if (last > first) {
    ::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
  }
#else
  (void)memory;
  (void)bytes;
#endif
}

/// Memory on huge pages from `huge_from` bytes on, else on a cache line; for std::free. Throws std::bad_alloc.
[[nodiscard]] inline void* allocate_pages(std::size_t bytes, std::size_t huge_from) {
  constexpr std::size_t cache_line = 64;
  const std::size_t unit = bytes >= huge_from ? huge_page : cache_line;
  const std::size_t rounded = (bytes + unit - 1) / unit * unit;
  void* memory = std::aligned_alloc(unit, rounded);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  constexpr std::size_t worth_a_call = std::size_t{64} << 10U;
  if (unit == huge_page) {
    ::madvise(memory, rounded, MADV_HUGEPAGE);
  } else if (rounded >= worth_a_call) {
    populate(memory, rounded);
  }
  return memory;
}

template <typename T>
struct PageAllocator {
  using value_type = T;

  PageAllocator() = default;
  template <typename U>
  explicit PageAllocator(const PageAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(allocate_pages(count * sizeof(T), huge_page / 4));
  }
  void deallocate(T* memory, std::size_t /*count*/) noexcept { std::free(memory); }

  template <typename U>
  bool operator==(const PageAllocator<U>& /*other*/) const noexcept {
    return true;
  }
};

template <typename T>
using PageVector = std::vector<T, PageAllocator<T>>;

}  // namespace itm
