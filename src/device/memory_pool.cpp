#include "device/memory_pool.hpp"

#include <cstdlib>
#include <map>

#include "core/page_allocator.hpp"

namespace itm {

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
    // A huge page is cleared whole, so only what fills several is worth it.
    memory = static_cast<std::byte*>(allocate_pages(bytes, 4 * huge_page));
  }
  return {memory, [shelf = shelf_, size](std::byte* mine) { shelf->free.emplace(size, mine); }};
}

}  // namespace itm
