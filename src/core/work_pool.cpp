#include "core/work_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "itm/error.hpp"

namespace itm {
namespace {

/// The units of one for_each().
struct Batch {
  std::size_t count;
  const std::function<void(std::size_t)>* unit;
  int depth;  ///< for_each() calls around it
  std::size_t next = 0;
  std::size_t running = 0;
  std::size_t first_failed;
  std::exception_ptr failure{};

  [[nodiscard]] bool has_work() const { return next < count && !failure; }
  [[nodiscard]] bool is_done() const { return running == 0 && !has_work(); }
};

/// for_each() calls that this thread is inside of.
thread_local int depth = 0;

/// Helping with outer units while an inner one waits grows the stack and the memory in use: so deep and no deeper.
constexpr int deepest_help = 4;

}  // namespace

struct WorkPool::State {
  std::mutex guard;
  std::condition_variable changed;
  std::list<Batch*> batches;
  bool stop = false;
  std::vector<std::jthread> threads;

  /// The batch to take a unit of: the innermost first, since somebody waits for it.
  Batch* find_work(bool outer_too) {
    Batch* best = nullptr;
    for (Batch* batch : batches) {
      if (batch->has_work() && (batch->depth > 0 || outer_too) && (best == nullptr || batch->depth > best->depth)) {
        best = batch;
      }
    }
    return best;
  }

  /// Runs the next unit of the batch; the lock is held before and after, not meanwhile.
  void run_one(Batch& batch, std::unique_lock<std::mutex>& lock) {
    const std::size_t i = batch.next++;
    ++batch.running;
    lock.unlock();
    std::exception_ptr failure;
    ++depth;
    try {
      (*batch.unit)(i);
    } catch (...) {
      failure = std::current_exception();
    }
    --depth;
    lock.lock();
    --batch.running;
    if (failure && i < batch.first_failed) {
      batch.first_failed = i;
      batch.failure = failure;
    }
    if (batch.is_done()) {
      changed.notify_all();
    }
  }

  void serve() {
    std::unique_lock lock(guard);
    while (!stop) {
      if (Batch* batch = find_work(true)) {
        run_one(*batch, lock);
      } else {
        changed.wait(lock);
      }
    }
  }

  void end() {
    {
      const std::lock_guard lock(guard);
      stop = true;
    }
    changed.notify_all();
    threads.clear();
  }
};

WorkPool::WorkPool(int threads) : state_(std::make_unique<State>()) {
  try {
    for (int t = 1; t < threads; ++t) {
      state_->threads.emplace_back([state = state_.get()] { state->serve(); });
    }
  } catch (const std::system_error& error) {
    const std::size_t had = state_->threads.size() + 1;
    state_->end();
    throw DeviceError("the system gives no more than " + std::to_string(had) + " of " + std::to_string(threads) +
                      " threads (" + error.code().message() + "); pass a smaller --threads");
  } catch (...) {  // no memory for the next one: those that wait must not be waited for
    state_->end();
    throw;
  }
}

WorkPool::~WorkPool() { state_->end(); }

void WorkPool::for_each(std::size_t count, const std::function<void(std::size_t)>& unit) {
  Batch batch{.count = count, .unit = &unit, .depth = depth, .first_failed = count};
  std::unique_lock lock(state_->guard);
  const auto place = state_->batches.insert(state_->batches.end(), &batch);
  state_->changed.notify_all();
  while (!batch.is_done()) {
    if (batch.has_work()) {
      state_->run_one(batch, lock);
    } else if (Batch* other = state_->find_work(depth < deepest_help)) {
      state_->run_one(*other, lock);
    } else {
      state_->changed.wait(lock);
    }
  }
  state_->batches.erase(place);
  lock.unlock();
  if (batch.failure) {
    std::rethrow_exception(batch.failure);
  }
}

void for_each_unit(std::size_t count, int threads, const std::function<void(std::size_t)>& unit) {
  WorkPool(static_cast<int>(std::min(count, static_cast<std::size_t>(std::max(threads, 1))))).for_each(count, unit);
}

}  // namespace itm
