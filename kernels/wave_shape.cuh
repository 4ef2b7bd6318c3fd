#pragma once
// The sizes of a wave: what decides how its memory is laid out and what its graphs record. Runs of one shape may follow
// each other in the same memory with the same graphs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/itm_inputs.hpp"
#include "itm/engine.hpp"
#include "kernels/lane.cuh"
#include "kernels/layout.hpp"
#include "kernels/resident_features.cuh"
#include "kernels/row_chain.cuh"
#include "kernels/zoo_engine.hpp"

namespace itm::ITM_KERNELS {

[[nodiscard]] constexpr std::uint32_t rounded_up(std::size_t count, std::size_t unit) {
  return static_cast<std::uint32_t>((count + unit - 1) / unit * unit);
}

/// The sizes of one model's batch.
struct LaneShape {
  std::uint32_t batch = 0;
  std::uint32_t dims = 0;
  std::uint32_t pitch = 0;  ///< D + 1 rounded up to 4 entries
  std::uint32_t classes = 0;
  std::uint32_t width = 0;  ///< C + 1 rounded up to 4 entries
  bool gram = false;
  bool chained = false;  ///< row_chain.cuh serves it

  LaneShape() = default;
  LaneShape(const ItmPlan& plan, std::size_t columns, const ItmOptions& options, GemmStrategy strategy)
      : batch(static_cast<std::uint32_t>(plan.batch)),
        dims(static_cast<std::uint32_t>(columns)),
        pitch(rounded_up(columns + 1, 4)),
        classes(static_cast<std::uint32_t>(plan.labels.classes)),
        width(rounded_up(plan.labels.classes + 1, 4)),
        gram(choose_recurrence(options.recurrence, plan.batch, plan.labels.classes, options.steps) == Recurrence::gram),
        chained(!gram && width <= chain_width && strategy != GemmStrategy::buckets) {}

  [[nodiscard]] std::size_t psi() const { return static_cast<std::size_t>(width) * pitch; }
  [[nodiscard]] std::size_t head() const { return static_cast<std::size_t>(width) * width; }
  bool operator==(const LaneShape&) const = default;
};

/// The parameters of a model inside one arena; gradient and moments lie alike in theirs.
template <typename T>
struct ParameterArrays {
  T* psi;   // (C, D + 1), the bias last
  T* head;  // (C, C + 1), likewise

  ParameterArrays(Layout& layout, const LaneShape& shape)
      : psi(layout.take<T>(shape.psi())), head(layout.take<T>(shape.head())) {}
};

/// Gives a lane its workspace. Returns the (B, B) matrix -(eta / count) Theta Theta^T of the gram form.
template <typename T>
T* lay_out_workspace(Layout& layout, const LaneShape& shape, Lane<T>& lane) {
  const std::size_t batch = shape.batch;
  const std::size_t rows = batch * shape.width;
  lane.x = layout.take<T>(batch * shape.pitch);
  lane.theta = layout.take<T>(rows);
  lane.scaled = layout.take<T>(rows);
  lane.residual = layout.take<T>(rows);
  lane.evolved = layout.take<T>(rows);
  lane.logits = layout.take<T>(rows);
  lane.d_theta = layout.take<T>(rows);
  lane.work = shape.gram ? layout.take<T>(rows) : nullptr;
  lane.inner = shape.gram ? nullptr : layout.take<T>(shape.head());
  lane.inverse_norm = layout.take<T>(batch);
  lane.row_loss = layout.take<T>(batch);
  lane.targets = layout.take<std::uint32_t>(batch);
  lane.row_hits = layout.take<std::uint32_t>(batch);
  return shape.gram ? layout.take<T>(batch * batch) : nullptr;
}

/// Bytes of one lane's workspace, and of one model's parameters with gradient and moments.
template <typename T>
[[nodiscard]] std::size_t workspace_bytes(const LaneShape& shape) {
  Layout layout;
  Lane<T> lane{};
  (void)lay_out_workspace(layout, shape, lane);
  return layout.sizes().total();
}
template <typename T>
[[nodiscard]] std::size_t parameter_bytes(const LaneShape& shape) {
  Layout layout;
  (void)ParameterArrays<T>(layout, shape);
  return 4 * layout.sizes().total();
}

/// Bytes of a task besides its features: parameters, workspace, and what it brings to the device.
[[nodiscard]] inline std::size_t own_bytes(const ItmTask& task, const LaneShape& shape, const ItmOptions& options) {
  const ItmPlan& plan = *task.plan;
  const bool wide = options.precision == Precision::float64;
  const std::size_t element = wide ? sizeof(double) : sizeof(float);
  std::size_t bytes = wide ? workspace_bytes<double>(shape) + parameter_bytes<double>(shape)
                           : workspace_bytes<float>(shape) + parameter_bytes<float>(shape);
  bytes += 4 * (plan.labels.values.size() + plan.batches.size() + plan.validation.size() + task.features.rows.size());
  bytes += shape.head() * element;                  // centres
  bytes += 16 * shape.dims + 24 * plan.iterations;  // statistics, schedule, losses
  if (task.observer.snapshot != nullptr) {
    bytes += plan.batch * plan.batch * element;
  }
  return bytes + (std::size_t{1} << 16);  // the rounding of small arrays
}

/// One model of a wave: what to do, and its features.
struct Member {
  const ItmTask* task = nullptr;
  ResidentFeatures::Lease features;
};

struct MemberShape {
  LaneShape lane;
  std::size_t rows = 0;        ///< of the plan
  std::size_t validation = 0;  ///< rows of it
  std::size_t mapped = 0;      ///< rows behind a row map; 0: there is none
  std::size_t data_set = 0;    ///< members of one plan share its arrays
  bool onehot = true;          ///< centres

  [[nodiscard]] std::size_t chunks() const { return tiles(validation, lane.batch); }
};

struct WaveShape {
  Precision precision = Precision::float32;
  GemmStrategy strategy = GemmStrategy::automatic;
  std::uint32_t iterations = 0;
  std::uint32_t every = 1;  ///< iterations from one validation to the next
  std::size_t steps = 1;
  bool predicted = false;  ///< --validation-targets
  bool losses = false;     ///< somebody asks for them
  std::vector<MemberShape> members;

  [[nodiscard]] std::uint32_t checkpoints() const { return tiles(iterations, every); }

  /// Different for different shapes.
  [[nodiscard]] std::string key() const {
    std::string text;
    const auto add = [&text](auto... numbers) { ((text += std::to_string(numbers) + ' '), ...); };
    add(static_cast<int>(precision), static_cast<int>(strategy), iterations, every, steps, predicted, losses);
    for (const MemberShape& m : members) {
      add(m.lane.batch, m.lane.dims, m.lane.classes, m.lane.gram, m.lane.chained, m.rows, m.validation, m.mapped,
          m.data_set, m.onehot);
    }
    return text;
  }
};

/// The shape of a wave of tasks with the given lanes.
[[nodiscard]] inline WaveShape wave_shape(std::span<const ItmTask> tasks, std::span<const LaneShape> lanes,
                                          const ItmOptions& options, GemmStrategy strategy) {
  WaveShape shape;
  shape.precision = options.precision;
  shape.strategy = strategy;
  shape.iterations = static_cast<std::uint32_t>(tasks.front().plan->iterations);
  shape.every = static_cast<std::uint32_t>(std::min<std::size_t>(options.validate_every, shape.iterations));
  shape.steps = options.steps;
  shape.predicted = options.validation_targets == ValidationTargets::predicted;
  std::map<const ItmPlan*, std::size_t> data_sets;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const ItmPlan& plan = *tasks[i].plan;
    MemberShape m;
    m.lane = lanes[i];
    m.rows = plan.labels.values.size();
    m.validation = plan.validation.size();
    m.mapped = tasks[i].features.rows.size();
    m.data_set = data_sets.emplace(&plan, data_sets.size()).first->second;
    m.onehot = plan.centres == make_centres(CentreKind::onehot, plan.labels.classes, 0);
    shape.members.push_back(m);
    shape.losses = shape.losses || tasks[i].observer.losses != nullptr;
  }
  return shape;
}

}  // namespace itm::ITM_KERNELS
