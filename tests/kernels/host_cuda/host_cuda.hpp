#pragma once
// Just enough of CUDA for the kernels to be compiled by a C++ compiler and run on the host, every thread of every
// block, under sanitizers. Threads of a block are fibers: __syncthreads, __syncwarp and the shuffles switch between
// them, so code that only works for one thread order, leaves a barrier out or leaves a block early is found here.
//
// Blocks run one after another. `__shared__` is a static array, which therefore keeps what the block before left in it.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

// NOLINTBEGIN: these names are CUDA's
#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline dim3 threadIdx;
inline dim3 blockIdx;
inline dim3 blockDim;
inline dim3 gridDim;

void __syncthreads();
void __syncwarp(unsigned mask = 0xFFFFFFFFU);
inline void __threadfence() {}
inline std::uint32_t atomicAdd(std::uint32_t* at, std::uint32_t value) {
  const std::uint32_t before = *at;
  *at += value;
  return before;
}

namespace itm::host_cuda {

/// The value that lane `source` of the caller's warp brought to the same call.
std::uint64_t exchange(std::uint64_t value, unsigned source);
[[nodiscard]] unsigned lane_of_thread();

template <typename T>
T exchange_as(T value, unsigned source) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange(bits, source);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// What one thread brings to its warp.
struct Slot {
  std::uint64_t word[3] = {};
};
constexpr unsigned warp_size = 32;

/// What a thread brings to a call that its whole warp makes. The last of the warp to come calls change(slots), once;
/// each thread goes on with what is then in its own.
Slot exchange_at_once(const Slot& brought, void (*change)(Slot (&slots)[warp_size]));

/// What five shuffles with join(own, the partner's) at distances 16, 8, 4, 2, 1 leave in the caller's lane.
template <typename T, typename Join>
T butterfly_at_once(T value, Join) {
  static_assert(sizeof(T) <= sizeof(Slot) && std::is_trivially_copyable_v<T> && std::is_empty_v<Join>);
  Slot slot;
  std::memcpy(slot.word, &value, sizeof value);
  slot = exchange_at_once(slot, [](Slot(&slots)[warp_size]) {
    T own[warp_size];
    for (unsigned lane = 0; lane < warp_size; ++lane) {
      std::memcpy(&own[lane], slots[lane].word, sizeof(T));
    }
    for (unsigned distance = warp_size / 2; distance > 0; distance /= 2) {
      T next[warp_size];
      for (unsigned lane = 0; lane < warp_size; ++lane) {
        next[lane] = Join{}(own[lane], own[lane ^ distance]);
      }
      std::memcpy(own, next, sizeof own);
    }
    for (unsigned lane = 0; lane < warp_size; ++lane) {
      std::memcpy(slots[lane].word, &own[lane], sizeof(T));
    }
  });
  std::memcpy(&value, slot.word, sizeof value);
  return value;
}

/// The nearest float of 11 significant bits; of two the one further from zero.
[[nodiscard]] inline float round_to_tf32(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::isfinite(x) ? std::bit_cast<float>((bits + 0x1000U) & 0xFFFFE000U) : x;
}

/// The instruction mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32: the caller's share of C += A B of its warp,
/// whose threads hold what kernels/tensor_cores.cuh says. The last 13 bits of operands are ignored. Rounds as the
/// coarsest tensor cores do (Fasi et al., Numerical behavior of NVIDIA tensor cores, 2021): products are exact, an
/// entry of C and the products of four k after another are aligned to the largest of them and cut off behind its 24th
/// bit.
void mma_m16n8k8(float (&c)[4], const float (&a)[4], const float (&b)[2]);
/// How many of them warps have run.
[[nodiscard]] std::uint64_t tensor_instructions();

/// In which order the threads of a block get their turn. A correct kernel gives the same bits in every order.
enum class Order { ascending, descending };
void set_order(Order order);

/// Whether kernels and library calls are left out: what is launched is counted, nothing is computed. For the work that
/// a method would give a device at sizes that the host has no time for.
void set_counting_only(bool counting_only);
[[nodiscard]] bool counting_only();

/// Told what an engine gives the device to do (bench/gpu_model.cpp).
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch() = default;
  /// A kernel; run() runs it, and must be called.
  virtual void kernel(dim3 grid, dim3 block, const std::function<void()>& run) = 0;
  /// Products that a library multiplies, in as many launches side by side; they read and write as many bytes.
  virtual void products(std::size_t launches, double flops, std::size_t bytes) = 0;
  virtual void allocated(const void* memory, std::size_t bytes) = 0;
  virtual void released(const void* memory) = 0;
};
/// Null: nobody. The watch must outlive everything that is watched.
void set_watch(Watch* watch);
[[nodiscard]] Watch* watch();

/// Runs the body once per thread. Throws std::logic_error where threads wait for one that has left, or at barriers that
/// are not the same.
void run_grid(dim3 grid, dim3 block, const std::function<void()>& body);

/// IEEE binary16 -> float, by arithmetic.
[[nodiscard]] inline float half_bits_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const auto fraction = static_cast<float>(bits & 1023);
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) {
    return fraction != 0 ? std::nanf("") : sign * HUGE_VALF;
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024.0F + fraction, exponent - 25));
}

}  // namespace itm::host_cuda

template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return itm::host_cuda::exchange_as(value, itm::host_cuda::lane_of_thread() ^ static_cast<unsigned>(mask));
}

template <typename T>
T __shfl_down_sync(unsigned, T value, unsigned distance) {
  return itm::host_cuda::exchange_as(value, itm::host_cuda::lane_of_thread() + distance);
}
// NOLINTEND
