#include "core/work_pool.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace itm {

void for_each_unit(std::size_t count, int threads, const std::function<void(std::size_t)>& unit) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex guard;
  std::size_t first_failed = count;
  std::exception_ptr failure;

  const auto work = [&] {
    while (!stop) {
      const std::size_t i = next++;
      if (i >= count) {
        return;
      }
      try {
        unit(i);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (i < first_failed) {
          first_failed = i;
          failure = std::current_exception();
        }
        stop = true;
      }
    }
  };

  const std::size_t helpers = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
  {
    std::vector<std::jthread> pool;
    for (std::size_t t = 1; t < helpers; ++t) {
      pool.emplace_back(work);
    }
    work();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace itm
