#include "core/work_pool.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
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

/// Pieces of one computation that free threads join. Its threads are few and its pieces short, so they are handed out
/// by an atomic number.
struct Shared {
  std::size_t count;
  const std::function<void(std::size_t)>* unit;
  std::atomic<std::size_t> next = 0;
  std::size_t helpers = 0;  ///< under the pool's guard

  void run() {
    for (std::size_t i = next++; i < count; i = next++) {
      (*unit)(i);
    }
  }
  [[nodiscard]] bool has_work() const { return next < count; }
};

/// Helping with outer units while an inner one waits grows the stack and the memory in use: so deep and no deeper.
constexpr int deepest_help = 4;

}  // namespace

struct WorkPool::State {
  /// Of the pool whose unit this thread runs.
  static thread_local State* current;
  std::mutex guard;
  std::condition_variable changed;
  std::list<Batch*> batches;
  std::list<Shared*> shared;
  std::atomic<std::size_t> idle = 0;
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
    State* const outside = std::exchange(current, this);
    ++depth;
    try {
      (*batch.unit)(i);
    } catch (...) {
      failure = std::current_exception();
    }
    --depth;
    current = outside;
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

  void rest(std::unique_lock<std::mutex>& lock) {
    ++idle;
    changed.wait(lock);
    --idle;
  }

  /// Joins a shared computation, where there is one.
  bool help(std::unique_lock<std::mutex>& lock) {
    const auto found = std::find_if(shared.begin(), shared.end(), [](const Shared* one) { return one->has_work(); });
    if (found == shared.end()) {
      return false;
    }
    Shared& one = **found;
    ++one.helpers;
    lock.unlock();
    one.run();
    lock.lock();
    if (--one.helpers == 0) {
      changed.notify_all();
    }
    return true;
  }

  void share(Shared& one) {
    std::unique_lock lock(guard);
    const auto place = shared.insert(shared.end(), &one);
    changed.notify_all();
    lock.unlock();
    one.run();
    lock.lock();
    shared.erase(place);
    changed.wait(lock, [&] { return one.helpers == 0; });
  }

  void serve() {
    std::unique_lock lock(guard);
    while (!stop) {
      if (help(lock)) {
        continue;
      }
      if (Batch* batch = find_work(true)) {
        run_one(*batch, lock);
      } else {
        rest(lock);
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

thread_local WorkPool::State* WorkPool::State::current = nullptr;

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
    } else if (state_->help(lock)) {
      continue;
    } else if (Batch* other = state_->find_work(depth < deepest_help)) {
      state_->run_one(*other, lock);
    } else {
      state_->rest(lock);
    }
  }
  state_->batches.erase(place);
  lock.unlock();
  if (batch.failure) {
    std::rethrow_exception(batch.failure);
  }
}

void WorkPool::share(std::size_t count, const std::function<void(std::size_t)>& unit) {
  Shared one{.count = count, .unit = &unit};
  if (State* pool = State::current; pool != nullptr && count > 1 && pool->idle > 0) {
    pool->share(one);
  } else {
    one.run();
  }
}

void for_each_unit(std::size_t count, int threads, const std::function<void(std::size_t)>& unit) {
  WorkPool(static_cast<int>(std::min(count, static_cast<std::size_t>(std::max(threads, 1))))).for_each(count, unit);
}

}  // namespace itm
