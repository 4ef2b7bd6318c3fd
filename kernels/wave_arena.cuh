#pragma once
// The memory of a wave, in two arenas: one that stays as it is for as long as the shape does (parameters, workspace,
// what products need, results), and one with what a run brings, which reaches the device in one upload.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "kernels/adamw.cuh"
#include "kernels/philox_kernels.cuh"
#include "kernels/progress.cuh"
#include "kernels/wave_shape.cuh"

namespace itm::ITM_KERNELS {

/// A lane's matrices, as products see them.
template <typename T>
struct LaneMatrices {
  BasicView<T> x;  // (B, D + 1)
  BasicView<T> theta, scaled, residual, evolved, logits, d_theta, work;
  BasicView<T> gram;   // (B, B)
  BasicView<T> inner;  // (C, C)
  BasicView<T> psi, head, gradient_psi, gradient_head;

  LaneMatrices(const Lane<T>& lane, T* gram_of_lane, const LaneShape& s, const ParameterArrays<T>& parameters,
               const ParameterArrays<T>& gradient)
      : x(lane.x, s.batch, s.pitch, s.pitch),
        theta(rows(lane.theta, s)),
        scaled(rows(lane.scaled, s)),
        residual(rows(lane.residual, s)),
        evolved(rows(lane.evolved, s)),
        logits(rows(lane.logits, s)),
        d_theta(rows(lane.d_theta, s)),
        work(rows(lane.work, s)),
        gram(gram_of_lane, s.batch, s.batch, s.batch),
        inner(lane.inner, s.width, s.width, s.width),
        psi(parameters.psi, s.width, s.pitch, s.pitch),
        head(parameters.head, s.width, s.width, s.width),
        gradient_psi(gradient.psi, s.width, s.pitch, s.pitch),
        gradient_head(gradient.head, s.width, s.width, s.width) {}

 private:
  static BasicView<T> rows(T* data, const LaneShape& s) { return {data, s.batch, s.width, s.width}; }
};

/// Lanes that advance together.
template <typename T>
struct LaneSet {
  std::vector<Lane<T>> lanes;
  std::vector<std::size_t> member;  ///< of each lane
  std::vector<LaneMatrices<T>> matrices;
  const Lane<T>* on_device = nullptr;
  std::uint32_t batch = 0;  ///< largest B
  bool gram = false;        ///< some lane is in gram form
  bool factored = false;    ///< some lane is in factored form
  bool chained = false;     ///< row_chain.cuh serves some lane
  bool plain = false;       ///< and some it does not
  double chain_flops = 0;   ///< of a product of all rows of chains with a C x C matrix
};

template <typename T>
class WaveArena {
 public:
  /// `validation_limit`: bytes of workspace that validation may use where that is more than training needs;
  /// `prepare(layout, lanes, training)` lays out what the products of a set of lanes need.
  template <typename Prepare>
  WaveArena(DeviceApi& api, const WaveShape& shape, std::size_t most_chunks, std::size_t validation_limit,
            const Prepare& prepare)
      : api_(api), shape_(shape) {
    const std::size_t training = lanes_bytes(0);
    most_ = 1;
    while (most_ < most_chunks && lanes_bytes(most_ + 1) <= std::max(training, validation_limit)) {
      ++most_;
    }
    room_ = std::max(training, lanes_bytes(most_));
    fixed_ = Arena(api_, [&](Layout& layout) {
      lay_out(layout);
      prepare(layout, training_, true);
      prepare(layout, validation_, false);
    });
    for (const MemberShape& m : shape_.members) {
      passes_ = std::max(passes_, tiles(m.chunks(), std::min(most_, m.chunks())));
    }
  }

  /// Brings a run to the device: everything as it is before the first iteration.
  void load(std::span<const Member> members, const ItmOptions& options) {
    const auto lay_out_run = [&](Layout& layout) { this->lay_out_run(layout, members, options); };
    if (data_.bytes() == 0) {
      data_ = Arena(api_, lay_out_run);
    } else {
      fixed_.zero();
      data_.fill(lay_out_run);
    }
    std::uint64_t largest = 1;
    for (const MemberShape& m : shape_.members) {
      largest = std::max(largest, std::uint64_t{m.lane.classes} * std::max(m.lane.dims, m.lane.classes));
    }
    launch(api_, initial_parameters<T>,
           dim3(std::min(tiles(largest, philox_threads), 1024U), static_cast<unsigned>(4 * members.size())),
           dim3(philox_threads), initial_);
  }

  [[nodiscard]] std::size_t bytes() const { return fixed_.bytes() + data_.bytes(); }
  [[nodiscard]] const LaneSet<T>& training() const { return training_; }
  [[nodiscard]] const LaneSet<T>& validation() const { return validation_; }
  /// Steps of a validation: each has as many chunks of every model as there are lanes.
  [[nodiscard]] std::uint32_t passes() const { return passes_; }
  [[nodiscard]] const ParameterArrays<T>& parameters_of(std::size_t model) const { return of_model_[model]; }
  [[nodiscard]] const ParameterArrays<T>& gradient_of(std::size_t model) const { return gradient_of_model_[model]; }

  // What an iteration and a validation work on.
  std::size_t parameter_count = 0;
  T* parameters = nullptr;
  T* gradient = nullptr;
  T* moment1 = nullptr;
  T* moment2 = nullptr;
  Counters counters{};
  const AdamWRate<T>* rates = nullptr;
  const Checkpoints* checkpoints = nullptr;
  double* checkpoint_loss = nullptr;         // (models, checkpoints)
  std::uint32_t* checkpoint_hits = nullptr;  // (models, checkpoints)
  double* losses = nullptr;                  // (iterations, models), where somebody asks for them

 private:
  /// Lanes of a member when validation has at most `most` of a model, or in training (0).
  [[nodiscard]] static std::size_t lanes_of(const MemberShape& m, std::size_t most) {
    return most == 0 ? 1 : std::min(most, m.chunks());
  }
  [[nodiscard]] std::size_t lanes_bytes(std::size_t most) const {
    std::size_t bytes = 0;
    for (const MemberShape& m : shape_.members) {
      bytes += lanes_of(m, most) * workspace_bytes<T>(m.lane);
    }
    return bytes;
  }

  void lay_out(Layout& layout) {
    Layout count;
    for (const MemberShape& m : shape_.members) {
      (void)ParameterArrays<T>(count, m.lane);
    }
    parameter_count = count.sizes().total() / sizeof(T);
    for (T** array : {&parameters, &gradient, &moment1, &moment2}) {
      *array = layout.zeroed<T>(parameter_count);
    }
    of_model_.clear();
    gradient_of_model_.clear();
    Layout of_parameters(reinterpret_cast<std::byte*>(parameters));
    Layout of_gradient(reinterpret_cast<std::byte*>(gradient));
    for (const MemberShape& m : shape_.members) {
      of_model_.emplace_back(of_parameters, m.lane);
      gradient_of_model_.emplace_back(of_gradient, m.lane);
    }
    auto* counted = layout.zeroed<std::uint32_t>(2);
    counters = {counted, counted + 1};

    const std::size_t slots = shape_.members.size() * shape_.checkpoints();
    checkpoint_loss = layout.take<double>(slots);
    checkpoint_hits = layout.take<std::uint32_t>(slots);
    losses = shape_.losses ? layout.take<double>(shape_.members.size() * shape_.iterations) : nullptr;
    chunks_.clear();
    checkpoints_.clear();
    for (std::size_t i = 0; i < shape_.members.size(); ++i) {
      const std::size_t chunks = shape_.members[i].chunks();
      auto* loss = layout.take<double>(chunks);
      auto* hits = layout.take<std::uint32_t>(chunks);
      chunks_.push_back({loss, hits});
      checkpoints_.push_back({loss, hits, static_cast<std::uint32_t>(chunks),
                              checkpoint_loss + i * shape_.checkpoints(), checkpoint_hits + i * shape_.checkpoints()});
    }
    // Training and validation take turns in the same workspace.
    auto* room = layout.take<std::byte>(room_);
    lay_out_lanes(training_, room, 0);
    lay_out_lanes(validation_, room, most_);
  }

  void lay_out_lanes(LaneSet<T>& set, std::byte* room, std::size_t most) {
    set = {};
    Layout layout(room);
    for (std::size_t i = 0; i < shape_.members.size(); ++i) {
      const MemberShape& m = shape_.members[i];
      const std::size_t lanes = lanes_of(m, most);
      for (std::size_t l = 0; l < lanes; ++l) {
        Lane<T> lane{};
        T* gram = lay_out_workspace(layout, m.lane, lane);
        lane.head = of_model_[i].head;
        lane.dims = m.lane.dims;
        lane.pitch = m.lane.pitch;
        lane.classes = m.lane.classes;
        lane.width = m.lane.width;
        lane.batch = m.lane.batch;
        lane.chained = m.lane.chained;
        lane.chunk_loss = chunks_[i].loss;
        lane.chunk_hits = chunks_[i].hits;
        lane.chunks = static_cast<std::uint32_t>(m.chunks());
        lane.offset = l * m.lane.batch;
        lane.advance = lanes * m.lane.batch;
        lane.first_chunk = static_cast<std::uint32_t>(l);
        lane.chunk_advance = static_cast<std::uint32_t>(lanes);
        set.lanes.push_back(lane);
        set.member.push_back(i);
        set.matrices.emplace_back(lane, gram, m.lane, of_model_[i], gradient_of_model_[i]);
      }
      set.batch = std::max(set.batch, m.lane.batch);
      (m.lane.gram ? set.gram : set.factored) = true;
      (m.lane.chained ? set.chained : set.plain) = true;
      if (m.lane.chained) {
        set.chain_flops += 2.0 * static_cast<double>(lanes) * m.lane.batch * static_cast<double>(m.lane.head());
      }
    }
  }

  void lay_out_run(Layout& layout, std::span<const Member> members, const ItmOptions& options) {
    struct DataSet {
      const std::int32_t* labels;
      const std::uint32_t* batches;
      const std::uint32_t* validation;
      const T* centres;
    };
    std::vector<DataSet> data_sets;
    std::vector<InitialArray<T>> arrays;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const ItmTask& task = *members[i].task;
      const MemberShape& shape = shape_.members[i];
      if (shape.data_set == data_sets.size()) {
        data_sets.push_back({layout.put(task.plan->labels.values), layout.put(task.plan->batches),
                             layout.put(task.plan->validation), layout.put(centres_of(*task.plan, shape))});
      }
      const double* shift = layout.put(task.statistics->shift);
      const double* scale = layout.put(task.statistics->scale);
      const std::uint32_t* rows = layout.put(task.features.rows);
      for (LaneSet<T>* set : {&training_, &validation_}) {
        for (std::size_t l = 0; l < set->lanes.size(); ++l) {
          if (set->member[l] == i) {
            Lane<T>& lane = set->lanes[l];
            const DataSet& data = data_sets[shape.data_set];
            lane.feature = members[i].features.data();
            lane.stored = members[i].features.shape().stored;
            lane.shift = shift;
            lane.scale = scale;
            lane.feature_rows = rows;
            lane.eta = task.eta;
            lane.pull = options.pull_weight;
            lane.centres = data.centres;
            lane.labels = data.labels;
            lane.rows = set == &training_ ? data.batches : data.validation;
            lane.total = set == &training_ ? task.plan->batches.size() : task.plan->validation.size();
          }
        }
      }
      add_initial(arrays, task, shape.lane, of_model_[i]);
    }
    training_.on_device = layout.put(training_.lanes);
    validation_.on_device = layout.put(validation_.lanes);
    checkpoints = layout.put(checkpoints_);
    initial_ = layout.put(arrays);
    rates = layout.put(schedule(options));
  }

  /// (C, C) in rows of `width`; nothing for one-hot ones.
  [[nodiscard]] static std::vector<T> centres_of(const ItmPlan& plan, const MemberShape& shape) {
    if (shape.onehot) {
      return {};
    }
    const std::size_t classes = shape.lane.classes;
    std::vector<T> wide(shape.lane.head());
    for (std::size_t i = 0; i < classes * classes; ++i) {
      wide[i / classes * shape.lane.width + i % classes] = static_cast<T>(plan.centres[i]);
    }
    return wide;
  }

  /// Four arrays, empty ones where the task brings its own.
  static void add_initial(std::vector<InitialArray<T>>& arrays, const ItmTask& task, const LaneShape& s,
                          const ParameterArrays<T>& p) {
    const std::uint32_t drawn = task.initial == nullptr ? s.classes : 0;
    const auto add = [&](T* to, std::uint32_t cols, std::uint32_t pitch, std::uint32_t fan_in, const char* name) {
      arrays.push_back({to, drawn, cols, pitch, task.seed, philox::stream_id(name),
                        1.0 / std::sqrt(static_cast<double>(fan_in)), false});
    };
    add(p.psi, s.dims, s.pitch, s.dims, "psi.weight");
    add(p.psi + s.dims, 1, s.pitch, s.dims, "psi.bias");
    arrays.back().bias = true;
    add(p.head, s.classes, s.width, s.classes, "head.weight");
    add(p.head + s.classes, 1, s.width, s.classes, "head.bias");
    arrays.back().bias = true;
  }

  [[nodiscard]] std::vector<AdamWRate<T>> schedule(const ItmOptions& options) const {
    std::vector<AdamWRate<T>> all(shape_.iterations);
    for (std::size_t t = 0; t < all.size(); ++t) {
      const double lr = options.learning_rate * std::max(0.0, 1.0 - static_cast<double>(t) / 10000.0);
      const auto power = static_cast<double>(t + 1);
      all[t] = {static_cast<T>(1.0 - lr * options.weight_decay), static_cast<T>(lr / (1.0 - std::pow(0.9, power))),
                static_cast<T>(1.0 / std::sqrt(1.0 - std::pow(0.999, power)))};
    }
    return all;
  }

  DeviceApi& api_;
  WaveShape shape_;
  std::size_t most_ = 1;  ///< validation lanes of a model
  std::size_t room_ = 0;  ///< bytes of workspace
  std::uint32_t passes_ = 0;
  std::vector<ParameterArrays<T>> of_model_;
  std::vector<ParameterArrays<T>> gradient_of_model_;
  struct ChunkSums {
    double* loss;
    std::uint32_t* hits;
  };
  std::vector<ChunkSums> chunks_;  // of each model
  std::vector<Checkpoints> checkpoints_;
  const InitialArray<T>* initial_ = nullptr;
  LaneSet<T> training_;
  LaneSet<T> validation_;
  Arena fixed_;
  Arena data_;
};

}  // namespace itm::ITM_KERNELS
