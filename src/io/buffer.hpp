#pragma once
// Memory for array data, uninitialised: only what is written becomes resident.

#include <cstddef>
#include <memory>

namespace itm::io {

/// `size` bytes aligned to 64, or to a huge page when large. Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<std::byte> allocate_buffer(std::size_t size);

}  // namespace itm::io
