#pragma once
// Independent units of work on a few threads. Threads block, never spin: under a busy machine time grows with the load
// and not, as with spinning BLAS or OpenMP barriers, thirtyfold.

#include <cstddef>
#include <functional>
#include <memory>

namespace itm {

/// Threads that serve for_each() calls, also those that units make in their turn: a caller that waits for its last
/// units helps with those of others meanwhile.
class WorkPool {
 public:
  /// `threads` with the caller's own. Throws DeviceError where the system gives no more threads.
  explicit WorkPool(int threads);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// Runs unit(0) ... unit(count - 1), each once, handing them out in order. A throwing unit stops the hand-out; after
  /// all that run are done the exception of the lowest such unit is rethrown.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& unit);

  /// Runs unit(0) ... unit(count - 1), short pieces of one computation that must not throw: on this thread and on those
  /// of the pool that it belongs to which have nothing else to do. Waits for these pieces alone.
  static void share(std::size_t count, const std::function<void(std::size_t)>& unit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// WorkPool(threads).for_each(count, unit), with no more threads than units.
void for_each_unit(std::size_t count, int threads, const std::function<void(std::size_t)>& unit);

}  // namespace itm
