#pragma once
// What tests of the device code share. One body, two programs: compiled for the host (test_kernels) every kernel runs
// in the stand-in, once per thread order; compiled by nvcc (test_gpu) the same bodies run on the device, under names
// that begin with Gpu, and skip where there is none.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device_api.hpp"
#include "kernels/platform.cuh"
#include "kernels/zoo_engine.hpp"
#ifdef __CUDACC__
#include "backend/backend.hpp"
#include "kernels/cuda_device_api.hpp"
#define ITM_DEVICE(name) Gpu##name
#else
#include "host_cuda/host_device_api.hpp"
#define ITM_DEVICE(name) name
#endif

namespace itm::ITM_KERNELS {

/// Why nothing can run here; empty where it can.
inline std::string obstacle() {
#ifdef __CUDACC__
  return choose_backend(Backend::automatic, probe_cuda()).note;
#else
  return {};
#endif
}

inline std::unique_ptr<DeviceApi> make_test_api() {
#ifdef __CUDACC__
  return make_cuda_device_api();
#else
  return make_host_device_api();
#endif
}

inline std::shared_ptr<ItmEngine> make_test_engine(const ZooEngineOptions& options = {}) {
  return make_zoo_engine(make_test_api(), options);
}

/// A fixture with a device; skips where there is none.
class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    api_ = make_test_api();
  }

  [[nodiscard]] DeviceApi& api() const { return *api_; }

 private:
  std::unique_ptr<DeviceApi> api_;
};

/// The result of `run` (upload, launch, download), which must be the same to the bit whatever the order of threads.
template <typename Run>
auto in_every_order(Run run) {
#ifdef __CUDACC__
  const auto first = run();
  EXPECT_TRUE(run() == first) << "two runs differ";
  return first;
#else
  set_order(Order::descending);
  const auto other = run();
  set_order(Order::ascending);
  const auto first = run();
  EXPECT_TRUE(other == first) << "the result depends on the order of threads";
  return first;
#endif
}

/// |got - want| <= tolerance * (1 + |want|) for every element; reports the worst.
template <typename T, typename U>
void expect_close(const char* what, const std::vector<T>& got, const std::vector<U>& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double gap = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])) /
                       (1 + std::abs(static_cast<double>(want[i])));
    if (!(gap <= worst)) {  // a NaN is the worst
      worst = gap;
      at = i;
    }
  }
  EXPECT_TRUE(worst <= tolerance) << what << "[" << at << "] is " << static_cast<double>(got[at]) << ", should be "
                                  << static_cast<double>(want[at]);
}

/// A few roundings of T.
template <typename T>
constexpr double rounding = std::is_same_v<T, float> ? 2e-6 : 1e-14;

}  // namespace itm::ITM_KERNELS
