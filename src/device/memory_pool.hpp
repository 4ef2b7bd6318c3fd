#pragma once
// Memory of the CPU device, kept for reuse: a method allocates the same few shapes again and again, and the operating
// system clears every fresh page.

#include <cstddef>
#include <memory>

namespace itm {

class MemoryPool {
 public:
  MemoryPool();
  /// `bytes` of uninitialised memory on a cache line; goes back to the pool with its last owner, also when the pool
  /// itself is gone by then. Not for several threads at once.
  [[nodiscard]] std::shared_ptr<std::byte> take(std::size_t bytes);

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace itm
