// Who may use how much of a device, asked by several threads at once.

#include "kernels/resident_features.cuh"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "host_cuda/host_device_api.hpp"

namespace itm::host_cuda {
namespace {

TEST(ResidentFeatures, ThreadsTakeTurnsAndNoneWaitsForEver) {
  constexpr std::size_t rows = 64;
  constexpr std::size_t dims = 8;
  std::vector<std::vector<float>> values;
  std::vector<ItmFeatures> features;
  for (std::size_t i = 0; i < 4; ++i) {
    values.emplace_back(rows * dims, static_cast<float>(i));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    features.push_back({[&values, i] {
                          return Array("model", DType::f32, false, {rows, dims}, false,
                                       reinterpret_cast<const std::byte*>(values[i].data()), {});
                        },
                        std::to_string(i)});
  }
  const std::unique_ptr<DeviceApi> api = make_host_device_api();
  ResidentFeatures resident(*api, 2 * rows * dims * sizeof(float) + 1000, false);  // two of four, and a little
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < 100; ++round) {
        const std::size_t i = (round + t) % features.size();
        if (t == 3) {
          resident.prefetch(features[i]);
          continue;
        }
        const ResidentFeatures::Request request{&features[i], 400};
        const auto leases = resident.acquire({&request, 1});
        float first = -1;
        std::memcpy(&first, leases.front().data(), sizeof first);
        wrong += first == static_cast<float>(i) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0) << "a thread was given another model's features";
}

}  // namespace
}  // namespace itm::host_cuda
