#pragma once
// Independent units of work on a few threads. Threads block, never spin: under a busy machine time grows with the load
// and not, as with spinning BLAS or OpenMP barriers, thirtyfold.

#include <cstddef>
#include <functional>

namespace itm {

/// Runs unit(0) ... unit(count - 1), each once, on up to `threads` threads (the caller is one of them), handing them
/// out in order. A throwing unit stops the hand-out; after all threads are done the exception of the lowest such unit
/// is rethrown.
void for_each_unit(std::size_t count, int threads, const std::function<void(std::size_t)>& unit);

}  // namespace itm
