#pragma once
// The device that tests of operations and of methods run on. One body, three programs: on the CPU; compiled with
// ITM_TEST_HOST_CUDA on the GPU's code as the host runs it (tests/kernels/host_cuda); with ITM_TEST_CUDA on a GPU,
// where there is one.

#include <memory>
#include <string>

#include "itm/device.hpp"
#include "itm/engine.hpp"

#if defined(ITM_TEST_HOST_CUDA)
#include "host_cuda/host_device_api.hpp"
#include "kernels/zoo_engine.hpp"
#elif defined(ITM_TEST_CUDA)
#include "backend/backend.hpp"
#include "kernels/cuda_device_api.hpp"
#include "kernels/zoo_engine.hpp"
#endif

namespace itm::testing {

/// Why nothing can run here; empty where it can.
inline std::string obstacle() {
#if defined(ITM_TEST_CUDA)
  return choose_backend(Backend::automatic, probe_cuda()).note;
#else
  return {};
#endif
}

/// The GPU under test; null: the CPU. Blocks of rows are small, so that tests see several of them.
inline std::shared_ptr<ItmEngine> engine_under_test() {
#if defined(ITM_TEST_HOST_CUDA)
  static const std::shared_ptr<ItmEngine> engine = host_cuda::make_zoo_engine(
      host_cuda::make_host_device_api(std::size_t{4} << 30), {.block_bytes = std::size_t{64} << 10});
  return engine;
#elif defined(ITM_TEST_CUDA)
  static const std::shared_ptr<ItmEngine> engine =
      obstacle().empty() ? cuda::make_zoo_engine(cuda::make_cuda_device_api(), {.block_bytes = std::size_t{64} << 10})
                         : nullptr;
  return engine;
#else
  return nullptr;
#endif
}

inline std::unique_ptr<Device> device_under_test(Precision arithmetic = Precision::float64) {
  const std::shared_ptr<ItmEngine> engine = engine_under_test();
  return engine ? engine->make_device(arithmetic) : make_cpu_device(arithmetic);
}

}  // namespace itm::testing

/// At the head of a test or of SetUp().
#define ITM_SKIP_WITHOUT_DEVICE()                                         \
  if (const std::string why = ::itm::testing::obstacle(); !why.empty()) { \
    GTEST_SKIP() << why;                                                  \
  }                                                                       \
  static_assert(true)
