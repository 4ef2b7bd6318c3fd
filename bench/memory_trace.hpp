#pragma once
// Which memory a piece of code reads and writes, as the code itself says: it is compiled with -fsanitize=thread, which
// puts a call before every access, and the calls come here instead of to a sanitizer. One thread.

#include <cstddef>

namespace itm::trace {

/// Bytes in sectors of 32, the unit that a GPU moves, each counted once however often it is touched.
struct Traffic {
  std::size_t read = 0;
  std::size_t written = 0;
};

/// Memory that counts; all other is left out.
void add_memory(const void* memory, std::size_t bytes);
void remove_memory(const void* memory);

/// What has been touched since begin().
void begin();
[[nodiscard]] Traffic end();

}  // namespace itm::trace
