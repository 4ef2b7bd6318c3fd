// The stand-in itself: it gives threads what CUDA gives them, and finds what CUDA would leave undefined.

#include "host_cuda/host_cuda.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/reduce.cuh"

namespace itm::host_cuda {
namespace {

unsigned thread_index() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }

TEST(HostCuda, EveryThreadOfEveryBlockRunsOnce) {
  std::vector<int> runs(2 * 3 * 4 * 5 * 2);
  run_grid(dim3(2, 3), dim3(4, 5, 2), [&] {
    const unsigned block = blockIdx.x + gridDim.x * blockIdx.y;
    runs[block * 40 + thread_index()] += 1;
  });
  EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](int count) { return count == 1; }));
}

TEST(HostCuda, BarriersSeparateWritesFromReads) {
  for (const Order order : {Order::ascending, Order::descending}) {
    set_order(order);
    std::vector<unsigned> shared(100);
    std::vector<unsigned> seen(100);
    run_grid(dim3(1), dim3(100), [&] {
      const unsigned t = thread_index();
      for (unsigned round = 0; round < 3; ++round) {
        shared[t] = round * 1000 + t;
        __syncthreads();
        seen[t] = shared[(t + 1) % 100];
        __syncthreads();
        EXPECT_EQ(seen[t], round * 1000 + (t + 1) % 100);
      }
    });
  }
  set_order(Order::ascending);
}

TEST(HostCuda, ShufflesExchangeWithinAWarp) {
  run_grid(dim3(1), dim3(32, 3), [&] {
    const auto value = static_cast<double>(100 * threadIdx.y + threadIdx.x);
    EXPECT_EQ(__shfl_xor_sync(0xFFFFFFFFU, value, 5), 100.0 * threadIdx.y + (threadIdx.x ^ 5U));
    const unsigned below = __shfl_down_sync(0xFFFFFFFFU, threadIdx.x, 4);
    EXPECT_EQ(below, threadIdx.x < 28 ? threadIdx.x + 4 : threadIdx.x);
  });
}

/// Values whose sum, and whose largest of equal ones, depend on the order in which they are joined.
TEST(HostCuda, AButterflyAtOnceHasTheBitsOfItsShuffles) {
  for (const Order order : {Order::ascending, Order::descending}) {
    set_order(order);
    run_grid(dim3(1), dim3(32, 3), [] {
      const unsigned number = thread_index();
      const double odd = std::sin(number + 1.0) * std::pow(10.0, number % 7);
      const auto sum = [](auto own, auto other) { return own + other; };
      EXPECT_EQ(butterfly(odd, sum), butterfly_by_shuffles(odd, sum));
      EXPECT_EQ(butterfly(static_cast<float>(odd), sum), butterfly_by_shuffles(static_cast<float>(odd), sum));
      EXPECT_EQ(butterfly(number, sum), butterfly_by_shuffles(number, sum));
      const auto own_share = [](double own, double other) { return 0.75 * own + other / 3; };  // lanes differ
      EXPECT_EQ(butterfly(odd, own_share), butterfly_by_shuffles(odd, own_share));
      const auto larger = [](Peak<double> own, Peak<double> other) { return other.value > own.value ? other : own; };
      const Peak<double> peak{static_cast<double>(number % 5), number};
      EXPECT_EQ(butterfly(peak, larger).value, 4);
      EXPECT_EQ(butterfly(peak, larger).index, butterfly_by_shuffles(peak, larger).index);
    });
  }
  set_order(Order::ascending);
}

TEST(HostCuda, AThreadThatLeavesBeforeABarrierIsFound) {
  EXPECT_THROW(run_grid(dim3(1), dim3(64),
                        [] {
                          if (threadIdx.x != 7) {
                            __syncthreads();
                          }
                        }),
               std::logic_error);
  EXPECT_THROW(run_grid(dim3(1), dim3(64),
                        [] {
                          if (threadIdx.x < 32) {
                            __syncthreads();
                          } else {
                            __syncwarp();
                          }
                        }),
               std::logic_error);
  run_grid(dim3(1), dim3(64), [] { __syncthreads(); });  // and the next block starts afresh
}

TEST(HostCuda, AnExceptionLeavesTheGrid) {
  EXPECT_THROW(run_grid(dim3(4), dim3(33), [] { throw std::runtime_error("from a kernel"); }), std::runtime_error);
}

TEST(HostCuda, AMissingBarrierShowsInTheOtherOrder) {
  const auto without_barrier = [](Order order) {
    set_order(order);
    int shared = 0;
    int seen = -1;
    run_grid(dim3(1), dim3(2), [&] {
      if (threadIdx.x == 0) {
        shared = 1;
      } else {
        seen = shared;
      }
    });
    set_order(Order::ascending);
    return seen;
  };
  EXPECT_NE(without_barrier(Order::ascending), without_barrier(Order::descending));
}

TEST(HostCuda, TensorCoresCutOffWhatTheyAddAndIgnoreTheLastBits) {
  // One row times one column, 2^-12 x 2^-12 of k eight times; or (1 + 2^-12) x 1 in the first k.
  const auto entry = [](float before, float a, float b, unsigned of_k) {
    float result = 0;
    run_grid(dim3(1), dim3(32), [&] {
      const bool here = threadIdx.x < of_k;  // row 0 and column 0 are with threads 0 to 3
      float c[4] = {before, before, before, before};
      mma_m16n8k8(c, {here ? a : 0, 0, here && of_k > 1 ? a : 0, 0}, {b, b});
      if (threadIdx.x == 0) {
        result = c[0];
      }
    });
    return result;
  };
  EXPECT_EQ(entry(0, 0x1p-12F, 0x1p-12F, 4), 0x1p-21F);
  EXPECT_EQ(entry(1, 0x1p-12F, 0x1p-12F, 4), 1.0F) << "eight times 2^-24, each cut off";
  EXPECT_EQ(entry(-1, -0x1p-12F, 0x1p-12F, 4), -1.0F) << "towards zero";
  EXPECT_EQ(entry(0, 1 + 0x1p-12F, 1, 1), 1.0F);
  EXPECT_EQ(entry(0, 1 + 0x1p-10F, 1, 1), 1 + 0x1p-10F);
}

TEST(HostCuda, HalvesAreExact) {
  EXPECT_EQ(half_bits_to_float(0x3C00), 1.0F);
  EXPECT_EQ(half_bits_to_float(0xC580), -5.5F);
  EXPECT_EQ(half_bits_to_float(0x0001), 0x1p-24F);
  EXPECT_EQ(half_bits_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_bits_to_float(0xFC00), -HUGE_VALF);
  EXPECT_TRUE(std::isnan(half_bits_to_float(0x7E00)));
}

}  // namespace
}  // namespace itm::host_cuda
