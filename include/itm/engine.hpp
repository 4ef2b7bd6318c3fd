#pragma once
// Engines that run ITM for many models at once. Without one, the CPU engine of itm.hpp runs model by model; an engine
// holds a device, keeps features on it and advances all models in lockstep. Same options, same random numbers, same
// results up to rounding.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "itm/array.hpp"
#include "itm/itm.hpp"

namespace itm {

/// The features of one model, opened only when they are not on the device yet.
struct ItmFeatures {
  std::function<Array()> open;  ///< N x D, contiguous native rows (see Array::to_native_row_major)
  std::string key;              ///< names them for as long as the engine lives; empty: forget them after the call
  std::span<const std::uint32_t> rows = {};  ///< plan row -> row of the array; empty: identity. Outlives the call
};

/// One run: a model, or a model under another seed or rate. Everything pointed to outlives the call.
struct ItmTask {
  ItmFeatures features;
  const FeatureStatistics* statistics = nullptr;
  const ItmPlan* plan = nullptr;
  double eta = 0.5;
  std::string model;                       ///< with `seed`: names the initial parameters
  std::uint64_t seed = 0;                  ///< see initial_parameters()
  const ItmParameters* initial = nullptr;  ///< instead of those
  ItmObserver observer;
};

/// Safe to call from several threads.
class ItmEngine {
 public:
  virtual ~ItmEngine() = default;
  /// The device's name.
  [[nodiscard]] virtual std::string device() const = 0;
  /// measure_features() on the device; leaves the features there. Throws as it does, and DeviceError.
  [[nodiscard]] virtual FeatureStatistics measure(const ItmFeatures& features, const Labels& labels,
                                                  Standardise standardise) = 0;
  /// run_itm() for every task, as many at once as fit into memory; results in the order of the tasks. Throws as it
  /// does, and DeviceError that names the model and the bytes when one task alone does not fit.
  [[nodiscard]] virtual std::vector<ItmResult> run(std::span<const ItmTask> tasks, const ItmOptions& options) = 0;
  /// make_plan() with the eigenvectors behind the `pca` and `laplacian` centres, and the permutations, computed there.
  [[nodiscard]] virtual ItmPlan plan(const Labels& labels, const ItmOptions& options) = 0;
};

struct EngineOptions {
  std::size_t memory_budget = 0;  ///< bytes of device memory to use; 0: nine tenths of what is free
  bool half_features = false;     ///< keep features as float16: half the memory, rounded to 11 bits
};

/// An engine on the first CUDA device. Throws DeviceError where this build or this machine has none.
[[nodiscard]] std::shared_ptr<ItmEngine> open_cuda_engine(const EngineOptions& options = {});

}  // namespace itm
