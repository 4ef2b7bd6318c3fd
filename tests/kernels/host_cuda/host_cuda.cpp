#include "host_cuda/host_cuda.hpp"

#include "host_cuda/context.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace itm::host_cuda {
namespace {

constexpr std::size_t stack_bytes = std::size_t{64} << 10;
constexpr unsigned most_threads = 1024;  // CUDA's limit

/// A context with a stack of its own. It runs one thread after another until one has to wait, and then stays with that
/// one: a block whose threads never wait needs a single fiber. Idle ones serve the next blocks.
struct Fiber {
  Context context;
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
};

/// Threads in the order in which they came, each at most once. Nothing here allocates: tests spend their time in it.
class Queue {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  void push(unsigned thread) { slot(size_++) = thread; }
  unsigned pop_first() {
    const unsigned thread = slot(0);
    ++first_;
    --size_;
    return thread;
  }
  unsigned pop_last() { return slot(--size_); }
  void push_all(Queue& others) {
    while (!others.empty()) {
      push(others.pop_first());
    }
  }

 private:
  unsigned& slot(unsigned i) { return threads_[(first_ + i) % most_threads]; }

  std::array<unsigned, most_threads> threads_;
  unsigned first_ = 0;
  unsigned size_ = 0;
};

/// A barrier that `expected` threads have to reach.
struct Barrier {
  unsigned expected = 0;
  unsigned arrived = 0;
  Queue waiting;

  void reset(unsigned threads) {
    expected = threads;
    arrived = 0;
    waiting.clear();
  }
};

class Block {
 public:
  Order order = Order::ascending;

  void run_grid(dim3 grid, dim3 block, const std::function<void()>& body) {
    const std::lock_guard lock(guard_);
    gridDim = grid;
    blockDim = block;
    body_ = &body;
    main_ = {};
    threads_ = block.x * block.y * block.z;
    if (threads_ > most_threads) {
      throw std::logic_error("a block of " + std::to_string(threads_) + " threads");
    }
    for (unsigned thread = 0; thread < threads_; ++thread) {
      place_[thread] = {thread % block.x, thread / block.x % block.y, thread / block.x / block.y};
    }
    for (unsigned z = 0; z < grid.z; ++z) {
      for (unsigned y = 0; y < grid.y; ++y) {
        for (unsigned x = 0; x < grid.x; ++x) {
          blockIdx = dim3(x, y, z);
          run_block();
        }
      }
    }
  }

  void wait_for_block() {
    wait(block_barrier_, [] {});
  }
  void wait_for_warp() {
    wait(warps_[current_ / warp_size].barrier, [] {});
  }

  /// What every lane of the caller's warp brought to the same call, as the last to come changes it; there until the
  /// caller's next. `bring` writes the caller's.
  template <typename Bring, typename Change>
  const Slot* exchange(Bring bring, Change change) {
    Warp& warp = warps_[current_ / warp_size];
    // Two sets of slots: a thread is at most one exchange ahead of the slowest of its warp.
    const unsigned set = round_[current_]++ % 2;
    bring(warp.slot[set][current_ % warp_size]);
    wait(warp.barrier, [&] { change(warp.slot[set]); });
    return warp.slot[set];
  }

  [[nodiscard]] unsigned lane() const { return current_ % warp_size; }

 private:
  struct Warp {
    Barrier barrier;
    Slot slot[2][warp_size] = {};
  };

  void run_block() {
    started_ = 0;
    finished_ = 0;
    failure_ = nullptr;
    runnable_.clear();
    std::fill_n(round_.begin(), threads_, 0);
    block_barrier_.reset(threads_);
    for (unsigned first = 0; first < threads_; first += warp_size) {
      warps_[first / warp_size].barrier.reset(std::min(warp_size, threads_ - first));
    }
    switch_context(main_, *next(), main_);
    if (failure_ || finished_ != threads_) {  // threads may be left in the middle of the kernel
      idle_.clear();
      fibers_.clear();
    }
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (finished_ != threads_) {
      throw std::logic_error(std::to_string(threads_ - finished_) + " of " + std::to_string(threads_) +
                             " threads wait at a barrier that the others never reach");
    }
  }

  /// Who goes on: a thread that was released, a fiber for the threads that have not started, or at the end main.
  Context* next() {
    if (failure_) {
      return &main_;
    }
    if (!runnable_.empty()) {
      current_ = order == Order::ascending ? runnable_.pop_first() : runnable_.pop_last();
      threadIdx = place_[current_];
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
      starting_ = fibers_.back().get();
      // Tops of stacks that are all a power of two apart would share a few lines of the processor's caches.
      const std::size_t lower = fibers_.size() % 32 * 320;
      begin_on_stack(starting_->context, starting_->stack.get(), stack_bytes - lower, &Block::enter);
      return starting_;
    }
    Fiber* fiber = idle_.back();
    idle_.pop_back();
    return fiber;
  }

  static void enter();

  [[noreturn]] void work_on_fiber(Fiber* self) {
    for (;;) {
      while (started_ < threads_ && !failure_ && runnable_.empty()) {
        const unsigned index = started_++;
        current_ = order == Order::ascending ? index : threads_ - 1 - index;
        fiber_of_[current_] = self;
        threadIdx = place_[current_];
        try {
          (*body_)();
        } catch (...) {
          failure_ = std::current_exception();
        }
        ++finished_;
      }
      idle_.push_back(self);
      switch_context(self->context, *next(), main_);  // never this fiber: a thread is runnable or none is left to start
    }
  }

  /// The last to come calls before_others() before the others go on.
  template <typename BeforeOthers>
  void wait(Barrier& barrier, BeforeOthers before_others) {
    const unsigned self = current_;
    if (++barrier.arrived == barrier.expected) {
      before_others();
      barrier.arrived = 0;
      runnable_.push_all(barrier.waiting);
      return;
    }
    barrier.waiting.push(self);
    switch_context(fiber_of_[self]->context, *next(), main_);
  }

  std::mutex guard_;
  const std::function<void()>* body_ = nullptr;
  Context main_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  std::array<Fiber*, most_threads> fiber_of_{};  ///< of each thread that has started
  std::array<dim3, most_threads> place_;         ///< threadIdx of each
  Fiber* starting_ = nullptr;
  Queue runnable_;
  std::array<unsigned, most_threads> round_{};  ///< exchanges of each
  Barrier block_barrier_;
  std::array<Warp, most_threads / warp_size> warps_;
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
  arrive(self.main_);
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
  const Slot* brought = block().exchange([&](Slot& slot) { slot = std::bit_cast<Slot>(mine); }, [](auto&) {});
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
  const Slot* brought = block().exchange([value](Slot& slot) { slot.word[0] = value; }, [](auto&) {});
  return source < warp_size ? brought[source].word[0] : value;
}
Slot exchange_at_once(const Slot& brought, void (*change)(Slot (&slots)[warp_size])) {
  return block().exchange([&brought](Slot& slot) { slot = brought; }, change)[block().lane()];
}
unsigned lane_of_thread() { return block().lane(); }

}  // namespace itm::host_cuda

void __syncthreads() { itm::host_cuda::block().wait_for_block(); }
void __syncwarp(unsigned) { itm::host_cuda::block().wait_for_warp(); }
