#include "device/memory_pool.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <new>

namespace itm {
namespace {

constexpr std::size_t cache_line = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20U;

std::byte* allocate(std::size_t bytes) {
  // A huge page is cleared whole, so only what fills several is worth it.
  const std::size_t unit = bytes >= 4 * huge_page ? huge_page : cache_line;
  const std::size_t rounded = (bytes + unit - 1) / unit * unit;
  void* memory = std::aligned_alloc(unit, rounded);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  if (unit == huge_page) {
    ::madvise(memory, rounded, MADV_HUGEPAGE);
  }
  return static_cast<std::byte*>(memory);
}

}  // namespace

/// Free blocks by size.
struct MemoryPool::Shelf {
  std::multimap<std::size_t, std::byte*> free;

  Shelf() = default;
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  ~Shelf() {
    for (const auto& [bytes, memory] : free) {
      std::free(memory);
    }
  }
};

MemoryPool::MemoryPool() : shelf_(std::make_shared<Shelf>()) {}

std::shared_ptr<std::byte> MemoryPool::take(std::size_t bytes) {
  std::byte* memory = nullptr;
  std::size_t size = bytes;
  // A little too large is fine, much too large would keep memory from where it is needed.
  const auto found = shelf_->free.lower_bound(bytes);
  if (found != shelf_->free.end() && found->first <= bytes + bytes / 4) {
    size = found->first;
    memory = found->second;
    shelf_->free.erase(found);
  } else {
    memory = allocate(bytes);
  }
  return {memory, [shelf = shelf_, size](std::byte* mine) { shelf->free.emplace(size, mine); }};
}

}  // namespace itm
