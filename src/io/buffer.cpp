#include "io/buffer.hpp"

#include <sys/mman.h>

#include <new>

namespace itm::io {

std::shared_ptr<std::byte> allocate_buffer(std::size_t size) {
  constexpr std::size_t huge_page = std::size_t{2} << 20U;
  const std::align_val_t alignment{size >= 2 * huge_page ? huge_page : std::size_t{64}};
  auto* bytes = static_cast<std::byte*>(::operator new(size, alignment));
  // Fewer page faults and TLB misses; the last, partial huge page is left alone to keep memory use exact.
  if (size >= 2 * huge_page) ::madvise(bytes, size / huge_page * huge_page, MADV_HUGEPAGE);
  return {bytes, [alignment](std::byte* memory) { ::operator delete(memory, alignment); }};
}

}  // namespace itm::io
