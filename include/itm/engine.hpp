#pragma once
// Engines that run ITM for many models at once. Without one, the CPU engine of itm.hpp runs model by model; an engine
// holds a device, keeps features on it and advances all models in lockstep. Same options, same random numbers, same
// results up to rounding.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "itm/array.hpp"
#include "itm/deviation.hpp"
#include "itm/device.hpp"
#include "itm/itm.hpp"

namespace itm {

/// Which processor is asked for.
enum class Backend : std::uint8_t {
  automatic,  ///< a GPU for what runs on one, where there is one
  cpu,
  cuda,
};

/// The features of one model, opened only when they are not on the device yet.
struct ItmFeatures {
  std::function<Array()> open;  ///< N x D, contiguous native rows (see Array::to_native_row_major)
  std::string key;              ///< names them for as long as the engine lives; empty: forget them after the call
  std::span<const std::uint32_t> rows = {};  ///< plan row -> row of the array; empty: identity. Outlives the call
};

/// One run: a model, or a model under another seed or rate. Everything pointed to outlives the call.
struct ItmTask {
  ItmFeatures features;                           ///< of the model
  const FeatureStatistics* statistics = nullptr;  ///< of its columns
  const ItmPlan* plan = nullptr;                  ///< shared by the models of a data set
  double eta = 0.5;                               ///< rate of the evolution
  std::uint64_t seed = 0;                         ///< see initial_parameters()
  const ItmParameters* initial = nullptr;         ///< instead of those
  ItmObserver observer;                           ///< of this run
};

/// What became of a task: its result, or why there is none (it does not fit into the device's memory, say).
struct ItmOutcome {
  ItmResult result;            ///< where it ran
  std::exception_ptr failure;  ///< null: it ran
};

/// A model whose features are to be looked at, and the class of each of their rows. All of it outlives the call.
struct ItmSurvey {
  ItmFeatures features;            ///< [N, D]
  const Labels* labels = nullptr;  ///< N classes
};

/// Statistics of a model, or why there are none.
struct SurveyOutcome {
  FeatureStatistics statistics;  ///< where they could be taken
  std::exception_ptr failure;    ///< null: they are there
};

/// Safe to call from several threads.
class ItmEngine {
 public:
  virtual ~ItmEngine() = default;
  /// The device's name.
  [[nodiscard]] virtual std::string device() const = 0;
  /// measure_features() on the device for many models, as many at once as fit into memory; leaves the features there.
  /// Outcomes in the order of the models; a failure is what measure_features() would throw, or a DeviceError.
  [[nodiscard]] virtual std::vector<SurveyOutcome> survey(std::span<const ItmSurvey> models,
                                                          Standardise standardise) = 0;
  /// The same for one model. Throws its failure.
  [[nodiscard]] FeatureStatistics measure(const ItmFeatures& features, const Labels& labels, Standardise standardise);
  /// run_itm() for every task, as many at once as fit into memory; outcomes in the order of the tasks. The failure of
  /// one is what run_itm() would throw, or a DeviceError that names the model and the bytes where it does not fit
  /// alone. Tells `progress`, where there is one, the share of the work that is done. Throws Interrupted, and
  /// DeviceError where the device fails for all.
  [[nodiscard]] virtual std::vector<ItmOutcome> run(std::span<const ItmTask> tasks, const ItmOptions& options,
                                                    const std::function<void(double)>& progress = {}) = 0;
  /// make_plan() with the eigenvectors behind the `pca` and `laplacian` centres, and the permutations, computed there.
  [[nodiscard]] virtual ItmPlan plan(const Labels& labels, const ItmOptions& options,
                                     std::span<const std::uint8_t> held_out) = 0;
  /// A Device with an order of work of its own, for one model at a time. Features are shared with everything that the
  /// engine does, and so is its memory: Device::open waits for others to finish. The engine must outlive it.
  /// `precision` as make_cpu_device() has it.
  [[nodiscard]] virtual std::unique_ptr<Device> make_device(Precision precision) = 0;
  /// What the devices that are gone have done.
  [[nodiscard]] virtual DeviceCounts device_counts() const = 0;
};

/// How a GPU is used.
struct EngineOptions {
  std::size_t memory_budget = 0;  ///< bytes of device memory to use; 0: nine tenths of what is free
  bool half_features = false;     ///< keep features as float16: half the memory, rounded to 11 bits
  int device = 0;                 ///< number of the CUDA device, among those that CUDA_VISIBLE_DEVICES leaves
  bool self_check = true;         ///< train four small made models first and compare with the CPU: milliseconds
  /// Told how far the self-check's stages deviate, all of them.
  std::function<void(std::span<const Deviation>)> checked = {};
  /// Told, a sentence each, what went otherwise than planned though results are right.
  std::function<void(const std::string&)> say = {};
};

/// The results of run(). Throws the first failure.
[[nodiscard]] std::vector<ItmResult> results_of(std::vector<ItmOutcome> outcomes);

/// An engine on a CUDA device. Throws DeviceError where this build or this machine has none, or where the self-check
/// finds that the device computes something else than the CPU.
[[nodiscard]] std::shared_ptr<ItmEngine> open_cuda_engine(const EngineOptions& options = {});

}  // namespace itm
