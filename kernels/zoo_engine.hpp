#pragma once
// The engine that advances a zoo in lockstep: waves of models that fit into device memory, every operation one launch
// for all of them. Compiled twice: by nvcc for a device, and for the host by the tests.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "itm/engine.hpp"
#include "kernels/device_api.hpp"

namespace itm {

/// What multiplies: cuBLAS, one batched product a shape (`buckets`), the kernel of grouped_product.cuh, or whichever of
/// the two is faster for a group of products.
enum class GemmStrategy : std::uint8_t { automatic, buckets, grouped };

struct ZooEngineOptions {
  std::size_t memory_budget = 0;  ///< bytes; 0: nine tenths of what is free
  bool half_features = false;
  GemmStrategy strategy = GemmStrategy::automatic;
  /// Told, a sentence each, what went otherwise than planned though results are right.
  std::function<void(const std::string&)> say = {};
  /// For benchmarks: does the work of a phase (as often as it likes) in place of the engine; nothing is recorded then.
  std::function<void(const char* phase, const std::function<void()>& work)> on_phase = {};
  std::size_t graph_iterations = 1;                  ///< longest stretch of iterations recorded as one graph
  std::size_t validation_chunks = 16;                ///< most validation batches of one model at once
  std::size_t block_bytes = std::size_t{256} << 20;  ///< of a block of rows of a Device
};

namespace cuda {
[[nodiscard]] std::shared_ptr<ItmEngine> make_zoo_engine(std::unique_ptr<DeviceApi> api,
                                                         const ZooEngineOptions& options);
}
namespace host_cuda {
[[nodiscard]] std::shared_ptr<ItmEngine> make_zoo_engine(std::unique_ptr<DeviceApi> api,
                                                         const ZooEngineOptions& options);
}

}  // namespace itm
