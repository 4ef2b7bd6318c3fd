#include "host_cuda/host_cuda.hpp"

#include "host_cuda/context.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
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

/// What a thread brings to its warp.
struct Slot {
  std::uint64_t word[3] = {};
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

  /// What every lane of the caller's warp brought to the same call; there until the caller's next.
  const Slot* exchange(const Slot& mine) {
    Warp& warp = warps_[current_ / lanes];
    // Two sets of slots: a thread is at most one exchange ahead of the slowest of its warp.
    const unsigned set = round_[current_]++ % 2;
    warp.slot[set][current_ % lanes] = mine;
    wait(warp.barrier);
    return warp.slot[set];
  }

  [[nodiscard]] unsigned lane() const { return current_ % lanes; }

 private:
  struct Warp {
    Barrier barrier;
    Slot slot[2][lanes] = {};
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

/// An operand as tensor cores read it.
double as_tf32(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xFFFFE000U); }

/// 2^exponent, for exponents of finite doubles.
double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U); }
int exponent_of(double x) { return static_cast<int>(std::bit_cast<std::uint64_t>(x) >> 52U & 2047U) - 1023; }

/// The sum of five numbers as tensor cores have it.
float aligned_sum(const double (&terms)[5]) {
  constexpr int bits = 24;
  double largest = 0;
  double plain = 0;
  for (const double term : terms) {
    largest = std::max(largest, std::abs(term));
    plain += term;
  }
  if (largest == 0 || !std::isfinite(plain)) {
    return static_cast<float>(plain);
  }
  int unit = exponent_of(largest) - bits + 1;
  const double scale = power_of_two(-unit);
  std::int64_t sum = 0;
  for (const double term : terms) {
    sum += static_cast<std::int64_t>(term * scale);
  }
  for (; std::abs(sum) >> bits != 0; ++unit) {
    sum /= 2;
  }
  return static_cast<float>(static_cast<double>(sum) * power_of_two(unit));
}

}  // namespace

namespace {
std::uint64_t instructions = 0;
}  // namespace

std::uint64_t tensor_instructions() { return instructions; }

void mma_m16n8k8(float (&c)[4], const float (&a)[4], const float (&b)[2]) {
  struct Fragments {
    float a[4];
    float b[2];
  };
  static_assert(sizeof(Fragments) == sizeof(Slot));
  Fragments mine{};
  std::copy_n(a, 4, mine.a);
  std::copy_n(b, 2, mine.b);
  const Slot* brought = block().exchange(std::bit_cast<Slot>(mine));
  const unsigned lane = block().lane();
  instructions += lane == 0 ? 1 : 0;
  const auto brought_by = [brought](unsigned thread) { return std::bit_cast<Fragments>(brought[thread]); };
  for (unsigned entry = 0; entry < 4; ++entry) {
    const unsigned row = lane / 4 + entry / 2 * 8;
    const unsigned col = lane % 4 * 2 + entry % 2;
    for (unsigned k = 0; k < 8; k += 4) {
      double terms[5] = {c[entry]};
      for (unsigned i = 0; i < 4; ++i) {
        terms[i + 1] =
            as_tf32(brought_by(row % 8 * 4 + i).a[row / 8 + k / 2]) * as_tf32(brought_by(col * 4 + i).b[k / 4]);
      }
      c[entry] = aligned_sum(terms);
    }
  }
}

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
std::uint64_t exchange(std::uint64_t value, unsigned source) {
  const Slot* brought = block().exchange({{value}});
  return source < lanes ? brought[source].word[0] : value;
}
unsigned lane_of_thread() { return block().lane(); }

}  // namespace itm::host_cuda

void __syncthreads() { itm::host_cuda::block().wait_for_block(); }
void __syncwarp(unsigned) { itm::host_cuda::block().wait_for_warp(); }
