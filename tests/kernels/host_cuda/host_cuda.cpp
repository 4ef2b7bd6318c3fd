#include "host_cuda/host_cuda.hpp"

#include "host_cuda/context.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace itm::host_cuda {
namespace {

constexpr std::size_t stack_bytes = std::size_t{64} << 10;
constexpr unsigned lanes = 32;

/// A context with a stack of its own. It runs one thread after another until one has to wait, and then stays with that
/// one: a block whose threads never wait needs a single fiber.
struct Fiber {
  Context context;
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
};

/// A barrier that `expected` threads have to reach.
struct Barrier {
  unsigned expected = 0;
  unsigned arrived = 0;
  std::vector<unsigned> waiting;
};

class Block {
 public:
  Order order = Order::ascending;

  void run_grid(dim3 grid, dim3 block, const std::function<void()>& body) {
    const std::lock_guard lock(guard_);
    gridDim = grid;
    blockDim = block;
    body_ = &body;
    for (unsigned z = 0; z < grid.z; ++z) {
      for (unsigned y = 0; y < grid.y; ++y) {
        for (unsigned x = 0; x < grid.x; ++x) {
          blockIdx = dim3(x, y, z);
          run_block(block.x * block.y * block.z);
        }
      }
    }
  }

  void wait_for_block() { wait(block_barrier_); }
  void wait_for_warp() { wait(warps_[current_ / lanes].barrier); }

  std::uint64_t exchange(std::uint64_t value, unsigned source) {
    Warp& warp = warps_[current_ / lanes];
    // Two sets of slots: a thread is at most one exchange ahead of the slowest of its warp.
    const unsigned set = round_[current_]++ % 2;
    warp.slot[set][current_ % lanes] = value;
    wait(warp.barrier);
    return source < lanes ? warp.slot[set][source] : value;
  }

  [[nodiscard]] unsigned lane() const { return current_ % lanes; }

 private:
  struct Warp {
    Barrier barrier;
    std::uint64_t slot[2][lanes] = {};
  };

  void run_block(unsigned threads) {
    threads_ = threads;
    started_ = 0;
    finished_ = 0;
    failure_ = nullptr;
    runnable_.clear();
    fiber_of_.assign(threads, nullptr);
    round_.assign(threads, 0);
    block_barrier_ = {threads, 0, {}};
    warps_.assign((threads + lanes - 1) / lanes, {});
    for (unsigned w = 0; w < warps_.size(); ++w) {
      warps_[w].barrier.expected = std::min(lanes, threads - w * lanes);
    }
    idle_.clear();
    std::for_each(fibers_.begin(), fibers_.end(), [&](const auto& fiber) { idle_.push_back(fiber.get()); });
    switch_context(main_, *next());
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (finished_ != threads) {
      throw std::logic_error(std::to_string(threads - finished_) + " of " + std::to_string(threads) +
                             " threads wait at a barrier that the others never reach");
    }
  }

  /// Who goes on: a thread that was released, a fiber for the threads that have not started, or at the end main.
  Context* next() {
    if (failure_) {
      return &main_;
    }
    if (!runnable_.empty()) {
      const bool first = order == Order::ascending;
      current_ = first ? runnable_.front() : runnable_.back();
      first ? runnable_.pop_front() : runnable_.pop_back();
      place(current_);
      return &fiber_of_[current_]->context;
    }
    if (started_ < threads_) {
      return &fresh_fiber()->context;
    }
    return &main_;
  }

  Fiber* fresh_fiber() {
    if (idle_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>());
      idle_.push_back(fibers_.back().get());
    }
    Fiber* fiber = idle_.back();
    idle_.pop_back();
    begin_on_stack(fiber->context, fiber->stack.get(), stack_bytes, &Block::enter);
    starting_ = fiber;
    return fiber;
  }

  static void enter();

  void work_on_fiber(Fiber* self) {
    while (started_ < threads_ && !failure_) {
      const unsigned index = started_++;
      current_ = order == Order::ascending ? index : threads_ - 1 - index;
      fiber_of_[current_] = self;
      place(current_);
      try {
        (*body_)();
      } catch (...) {
        failure_ = std::current_exception();
      }
      ++finished_;
      if (!runnable_.empty()) {
        break;
      }
    }
    idle_.push_back(self);
    switch_context(self->context, *next());  // not this fiber: here a thread is runnable or none is left to start
  }

  void wait(Barrier& barrier) {
    const unsigned self = current_;
    if (++barrier.arrived == barrier.expected) {
      barrier.arrived = 0;
      runnable_.insert(runnable_.end(), barrier.waiting.begin(), barrier.waiting.end());
      barrier.waiting.clear();
      return;
    }
    barrier.waiting.push_back(self);
    switch_context(fiber_of_[self]->context, *next());
  }

  static void place(unsigned thread) {
    threadIdx.x = thread % blockDim.x;
    threadIdx.y = thread / blockDim.x % blockDim.y;
    threadIdx.z = thread / blockDim.x / blockDim.y;
  }

  std::mutex guard_;
  const std::function<void()>* body_ = nullptr;
  Context main_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  std::vector<Fiber*> fiber_of_;  ///< of each thread that has started
  Fiber* starting_ = nullptr;
  std::deque<unsigned> runnable_;
  std::vector<unsigned> round_;
  Barrier block_barrier_;
  std::vector<Warp> warps_;
  std::exception_ptr failure_;
  unsigned threads_ = 0;
  unsigned started_ = 0;
  unsigned finished_ = 0;
  unsigned current_ = 0;
};

Block& block() {
  static Block only;
  return only;
}

void Block::enter() {
  Block& self = block();
  self.work_on_fiber(self.starting_);
}

}  // namespace

namespace {
bool only_counting = false;
Watch* watching = nullptr;
}  // namespace

void set_watch(Watch* watch) { watching = watch; }
Watch* watch() { return watching; }

void set_counting_only(bool counting_only) { only_counting = counting_only; }
bool counting_only() { return only_counting; }
void set_order(Order order) { block().order = order; }
void run_grid(dim3 grid, dim3 block_size, const std::function<void()>& body) {
  const auto run = [&] {
    if (!only_counting) {
      block().run_grid(grid, block_size, body);
    }
  };
  if (watching != nullptr) {
    watching->kernel(grid, block_size, run);
  } else {
    run();
  }
}
std::uint64_t exchange(std::uint64_t value, unsigned source) { return block().exchange(value, source); }
unsigned lane_of_thread() { return block().lane(); }

}  // namespace itm::host_cuda

void __syncthreads() { itm::host_cuda::block().wait_for_block(); }
void __syncwarp(unsigned) { itm::host_cuda::block().wait_for_warp(); }
