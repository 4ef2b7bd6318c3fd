#pragma once
// One wave: the models of a zoo that are on the device together, trained and validated in lockstep (spec 2, steps
// 6-10).
//
// An iteration is 6 kernels and, for n steps in factored form, 4 + 4 n groups of products, each for all models; a few
// iterations, and a validation, are one recorded graph. See lane.cuh for shapes.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/itm_inputs.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#include "kernels/adamw.cuh"
#include "kernels/add_centres.cuh"
#include "kernels/column_sums.cuh"
#include "kernels/cross_entropy.cuh"
#include "kernels/gather_rows.cuh"
#include "kernels/grouped_product.cuh"
#include "kernels/keep_copy.cuh"
#include "kernels/normalise_backward.cuh"
#include "kernels/normalise_rows.cuh"
#include "kernels/philox_kernels.cuh"
#include "kernels/progress.cuh"
#include "kernels/resident_features.cuh"
#include "kernels/zoo_engine.hpp"

namespace itm::ITM_KERNELS {

/// The sizes of one model's batch.
struct LaneShape {
  std::uint32_t batch = 0;
  std::uint32_t dims = 0;
  std::uint32_t pitch = 0;  ///< D rounded up to 4 entries
  std::uint32_t classes = 0;
  std::uint32_t width = 0;  ///< C rounded up to 4 entries
  bool gram = false;

  [[nodiscard]] std::size_t psi_w() const { return static_cast<std::size_t>(width) * pitch; }
  [[nodiscard]] std::size_t head_w() const { return static_cast<std::size_t>(width) * width; }
};

[[nodiscard]] constexpr std::uint32_t rounded_up(std::size_t count, std::size_t unit) {
  return static_cast<std::uint32_t>((count + unit - 1) / unit * unit);
}

/// Hands out parts of an arena, each on its own 256 bytes. With a base of 0 it only counts.
class Layout {
 public:
  explicit Layout(std::uintptr_t base = 0) : base_(base) {}

  template <typename T>
  T* take(std::size_t count) {
    const std::uintptr_t at = base_ + used_;
    used_ += (count * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(at);
  }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::uintptr_t base_;
  std::size_t used_ = 0;
};

/// The parameters of a model inside one arena; gradient and moments lie alike in theirs.
template <typename T>
struct ParameterArrays {
  T* psi_w;   // (C, D)
  T* psi_b;   // (C)
  T* head_w;  // (C, C)
  T* head_b;  // (C)

  ParameterArrays(Layout& layout, const LaneShape& shape)
      : psi_w(layout.take<T>(shape.psi_w())),
        psi_b(layout.take<T>(shape.width)),
        head_w(layout.take<T>(shape.head_w())),
        head_b(layout.take<T>(shape.width)) {}
};

/// Workspace that only products touch.
template <typename T>
struct ProductWorkspace {
  T* gram = nullptr;   // (B, B) -(eta / count) Theta Theta^T
  T* inner = nullptr;  // (C, C) Theta^T R
};

template <typename T>
ProductWorkspace<T> lay_out_workspace(Layout& layout, const LaneShape& shape, Lane<T>& lane) {
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
  lane.inverse_norm = layout.take<T>(batch);
  lane.row_loss = layout.take<T>(batch);
  lane.targets = layout.take<std::uint32_t>(batch);
  lane.row_hits = layout.take<std::uint32_t>(batch);
  ProductWorkspace<T> products;
  if (shape.gram) {
    products.gram = layout.take<T>(batch * batch);
  } else {
    products.inner = layout.take<T>(shape.head_w());
  }
  return products;
}

/// Bytes of one lane's workspace, and of one model's parameters with gradient and moments.
template <typename T>
[[nodiscard]] std::size_t workspace_bytes(const LaneShape& shape) {
  Layout layout;
  Lane<T> lane{};
  (void)lay_out_workspace(layout, shape, lane);
  return layout.used();
}
template <typename T>
[[nodiscard]] std::size_t parameter_bytes(const LaneShape& shape) {
  Layout layout;
  (void)ParameterArrays<T>(layout, shape);
  return 4 * layout.used();
}

/// The matrix products of a set of lanes, in the order of an iteration.
struct Products {
  std::unique_ptr<GemmGroup> project;  // theta = X psi_w^T
  std::unique_ptr<GemmGroup> gram;     // gram = scaled Theta^T
  /// A step of the recurrence; all but the last of the forward ones work in place.
  enum Step { forward, last, backward };
  std::unique_ptr<GemmGroup> gram_step[3];      // R += gram work; E += gram R; dE += gram work
  std::unique_ptr<GemmGroup> inner[3];          // inner = Theta^T R; the same; Theta^T dE
  std::unique_ptr<GemmGroup> factored_step[3];  // R += scaled inner; E += scaled inner; dE += scaled inner
  std::unique_ptr<GemmGroup> head;              // logits = E head_w^T
  std::unique_ptr<GemmGroup> head_of_theta;     // logits = Theta head_w^T
  std::unique_ptr<GemmGroup> d_evolved;         // d_theta = dLogits head_w
  std::unique_ptr<GemmGroup> gradients;         // of psi_w, dZ^T X, and of head_w, dLogits^T E
};

/// Lanes that advance together.
template <typename T>
struct LaneSet {
  std::vector<Lane<T>> lanes;
  DeviceBuffer<Lane<T>> on_device;
  Products products;
  std::uint32_t batch = 0;  ///< largest B
  std::uint32_t width = 0;  ///< largest padded C
  bool gram = false;        ///< some lane is in gram form
  bool factored = false;    ///< some lane is in factored form
};

/// What a wave needs to know of one of its models.
struct Member {
  const ItmTask* task = nullptr;
  LaneShape shape;
  ResidentFeatures::Lease features;
};

template <typename T>
class ZooGroup {
 public:
  /// `workspace_limit`: bytes that validation may use where it is more than training needs.
  ZooGroup(DeviceApi& api, std::vector<Member> members, const ItmOptions& options, const ZooEngineOptions& engine,
           std::size_t workspace_limit)
      : api_(api), members_(std::move(members)), options_(options), engine_(engine) {
    iterations_ = static_cast<std::uint32_t>(members_.front().task->plan->iterations);
    every_ = static_cast<std::uint32_t>(std::min<std::size_t>(options.validate_every, iterations_));
    checkpoints_ = tiles(iterations_, every_);
    lay_out_parameters();
    upload_data();
    lay_out_lanes(workspace_limit);
    initialise_parameters();
    upload_schedule();
  }

  ZooGroup(const ZooGroup&) = delete;
  ZooGroup& operator=(const ZooGroup&) = delete;
  ~ZooGroup() {
    try {
      api_.synchronise();  // memory goes only when no work uses it
    } catch (...) {        // it was reported where it happened, or there is nothing to save
    }
  }

  /// Tells `progress` the iterations that are done and all of them.
  std::vector<ItmResult> run(const std::function<void(std::uint32_t, std::uint32_t)>& progress) {
    std::uint32_t done = 0;
    while (done < iterations_) {
      if (cancelled()) {
        api_.synchronise();
        throw Interrupted();
      }
      done = watched(done + 1) ? run_watched(done) : run_stretch(done);
      collect_parameters(done);
      progress(done, iterations_);
    }
    return results();
  }

 private:
  struct DataSet {
    DeviceBuffer<std::int32_t> labels;
    DeviceBuffer<std::uint32_t> batches;
    DeviceBuffer<std::uint32_t> validation;
    DeviceBuffer<T> centres;  // (C, C) in rows of `width`; empty for one-hot ones
  };

  [[nodiscard]] std::size_t chunks_of(const Member& m) const {
    return tiles(m.task->plan->validation.size(), m.shape.batch);
  }

  // ---- set-up

  void lay_out_parameters() {
    Layout count;
    for (const Member& m : members_) {
      (void)ParameterArrays<T>(count, m.shape);
    }
    parameter_count_ = count.used() / sizeof(T);
    for (DeviceBuffer<T>* arena : {&parameters_, &gradient_, &moment1_, &moment2_}) {
      *arena = DeviceBuffer<T>(api_, parameter_count_);
      arena->zero();
    }
    Layout parameters(reinterpret_cast<std::uintptr_t>(parameters_.data()));
    Layout gradients(reinterpret_cast<std::uintptr_t>(gradient_.data()));
    for (const Member& m : members_) {
      of_model_.emplace_back(parameters, m.shape);
      gradient_of_model_.emplace_back(gradients, m.shape);
    }
  }

  void upload_data() {
    for (const Member& m : members_) {
      const ItmTask& task = *m.task;
      DataSet& data = data_sets_[task.plan];
      if (data.labels.size() == 0) {
        data.labels = DeviceBuffer<std::int32_t>(api_, task.plan->labels.values);
        data.batches = DeviceBuffer<std::uint32_t>(api_, task.plan->batches);
        data.validation = DeviceBuffer<std::uint32_t>(api_, task.plan->validation);
        data.centres = centres_of(*task.plan, m.shape);
      }
      shift_.emplace_back(api_, task.statistics->shift);
      scale_.emplace_back(api_, task.statistics->scale);
      feature_rows_.emplace_back(api_,
                                 std::vector<std::uint32_t>(task.features.rows.begin(), task.features.rows.end()));
      chunk_loss_.emplace_back(api_, chunks_of(m));
      chunk_hits_.emplace_back(api_, chunks_of(m));
    }
    checkpoint_loss_ = DeviceBuffer<double>(api_, members_.size() * checkpoints_);
    checkpoint_hits_ = DeviceBuffer<std::uint32_t>(api_, members_.size() * checkpoints_);
    std::vector<Checkpoints> checkpoints;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      checkpoints.push_back({chunk_loss_[i].data(), chunk_hits_[i].data(),
                             static_cast<std::uint32_t>(chunks_of(members_[i])),
                             checkpoint_loss_.data() + i * checkpoints_, checkpoint_hits_.data() + i * checkpoints_});
    }
    checkpoints_on_device_ = DeviceBuffer<Checkpoints>(api_, checkpoints);
    base_ = DeviceBuffer<std::uint32_t>(api_, 1);
    base_.zero();
    const bool wants_losses = std::any_of(members_.begin(), members_.end(),
                                          [](const Member& m) { return m.task->observer.losses != nullptr; });
    if (wants_losses) {
      losses_ = DeviceBuffer<double>(api_, members_.size() * iterations_);
    }
  }

  DeviceBuffer<T> centres_of(const ItmPlan& plan, const LaneShape& shape) {
    const std::size_t classes = shape.classes;
    if (plan.centres == make_centres(CentreKind::onehot, classes, 0)) {
      return {};
    }
    std::vector<T> wide(shape.head_w());
    for (std::size_t i = 0; i < classes * classes; ++i) {
      wide[i / classes * shape.width + i % classes] = static_cast<T>(plan.centres[i]);
    }
    return DeviceBuffer<T>(api_, wide);
  }

  /// Training and validation take turns in the same workspace.
  void lay_out_lanes(std::size_t limit) {
    Layout training;
    for (const Member& m : members_) {
      Lane<T> lane{};
      (void)lay_out_workspace(training, m.shape, lane);
    }
    std::size_t most = 1;
    while (most < engine_.validation_chunks && validation_bytes(most + 1) <= std::max(training.used(), limit)) {
      ++most;
    }
    const std::size_t bytes = std::max(training.used(), validation_bytes(most));
    workspace_ = DeviceBuffer<std::byte>(api_, bytes);
    build(training_, false, 1);
    build(validation_, true, most);
    passes_ = 0;
    for (const Member& m : members_) {
      passes_ = std::max(passes_, tiles(chunks_of(m), std::min(most, chunks_of(m))));
    }
  }

  [[nodiscard]] std::size_t validation_bytes(std::size_t most) const {
    Layout layout;
    for (const Member& m : members_) {
      for (std::size_t l = 0; l < std::min(most, chunks_of(m)); ++l) {
        Lane<T> lane{};
        (void)lay_out_workspace(layout, m.shape, lane);
      }
    }
    return layout.used();
  }

  void build(LaneSet<T>& set, bool validating, std::size_t most) {
    Layout layout(reinterpret_cast<std::uintptr_t>(workspace_.data()));
    std::vector<ProductWorkspace<T>> workspaces;
    std::vector<std::size_t> model_of_lane;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const Member& m = members_[i];
      const std::size_t lanes = validating ? std::min(most, chunks_of(m)) : 1;
      for (std::size_t l = 0; l < lanes; ++l) {
        Lane<T> lane = lane_of(i);
        if (validating) {
          lane.rows = data_sets_[m.task->plan].validation.data();
          lane.total = m.task->plan->validation.size();
          lane.offset = l * m.shape.batch;
          lane.advance = lanes * m.shape.batch;
          lane.first_chunk = static_cast<std::uint32_t>(l);
          lane.chunk_advance = static_cast<std::uint32_t>(lanes);
        }
        workspaces.push_back(lay_out_workspace(layout, m.shape, lane));
        model_of_lane.push_back(i);
        set.lanes.push_back(lane);
        set.batch = std::max(set.batch, m.shape.batch);
        set.width = std::max(set.width, m.shape.width);
        set.gram = set.gram || m.shape.gram;
        set.factored = set.factored || !m.shape.gram;
      }
    }
    set.on_device = DeviceBuffer<Lane<T>>(api_, set.lanes);
    prepare_products(set, workspaces, model_of_lane);
  }

  Lane<T> lane_of(std::size_t i) {
    const Member& m = members_[i];
    const DataSet& data = data_sets_[m.task->plan];
    Lane<T> lane{};
    lane.feature = m.features.data();
    lane.stored = m.features.shape().stored;
    lane.shift = shift_[i].data();
    lane.scale = scale_[i].data();
    lane.feature_rows = feature_rows_[i].data();
    lane.psi_b = of_model_[i].psi_b;
    lane.head_b = of_model_[i].head_b;
    lane.gradient_psi_b = gradient_of_model_[i].psi_b;
    lane.gradient_head_b = gradient_of_model_[i].head_b;
    lane.eta = m.task->eta;
    lane.pull = options_.pull_weight;
    lane.dims = m.shape.dims;
    lane.pitch = m.shape.pitch;
    lane.centres = data.centres.data();
    lane.labels = data.labels.data();
    lane.classes = m.shape.classes;
    lane.width = m.shape.width;
    lane.rows = data.batches.data();
    lane.total = m.task->plan->batches.size();
    lane.advance = m.shape.batch;
    lane.batch = m.shape.batch;
    lane.chunk_loss = chunk_loss_[i].data();
    lane.chunk_hits = chunk_hits_[i].data();
    lane.chunks = static_cast<std::uint32_t>(chunks_of(m));
    return lane;
  }

  std::unique_ptr<GemmGroup> products_of(std::vector<Gemm<T>> group) const {
    // cuBLAS gives a product of few tiles few blocks, however long its k.
    const bool tf32 = options_.precision == Precision::tf32;
    if constexpr (std::is_same_v<T, float>) {
      const bool few = tiles_of(group) <= most_grouped_tiles && !tf32;
      if (engine_.strategy == GemmStrategy::grouped || (engine_.strategy == GemmStrategy::automatic && few)) {
        return std::make_unique<GroupedProducts>(api_, group);
      }
    }
    return api_.prepare(std::move(group), tf32);
  }

  void prepare_products(LaneSet<T>& set, const std::vector<ProductWorkspace<T>>& workspaces,
                        const std::vector<std::size_t>& model_of_lane) {
    enum class Lanes { all, gram, factored };
    const auto prepare = [&](Lanes which, auto product) {
      std::vector<Gemm<T>> group;
      for (std::size_t l = 0; l < set.lanes.size(); ++l) {
        const LaneShape& shape = members_[model_of_lane[l]].shape;
        if (which == Lanes::all || shape.gram == (which == Lanes::gram)) {
          group.push_back(product(set.lanes[l], workspaces[l], shape, model_of_lane[l]));
        }
      }
      return products_of(std::move(group));
    };
    using L = const Lane<T>&;
    using W = const ProductWorkspace<T>&;
    using S = const LaneShape&;
    const auto i = [](std::uint32_t v) { return static_cast<int>(v); };
    Products& p = set.products;
    p.project = prepare(Lanes::all, [&](L l, W, S s, std::size_t m) {
      return Gemm<T>{false,      true,  i(s.batch), i(s.width), i(s.pitch), l.x, i(s.pitch), of_model_[m].psi_w,
                     i(s.pitch), false, l.theta,    i(s.width)};
    });
    p.gram = prepare(Lanes::gram, [&](L l, W w, S s, std::size_t) {
      return Gemm<T>{false,      true,    i(s.batch), i(s.batch), i(s.width), l.scaled,
                     i(s.width), l.theta, i(s.width), false,      w.gram,     i(s.batch)};
    });
    for (const Products::Step step : {Products::forward, Products::last, Products::backward}) {
      const auto source = [step](L l) { return step == Products::backward ? l.d_theta : l.residual; };
      const auto target = [step, source](L l) { return step == Products::last ? l.evolved : source(l); };
      p.gram_step[step] = prepare(Lanes::gram, [&](L l, W w, S s, std::size_t) {
        return Gemm<T>{false,      false,  i(s.batch), i(s.width),
                       i(s.batch), w.gram, i(s.batch), step == Products::last ? l.residual : l.work,
                       i(s.width), true,   target(l),  i(s.width)};
      });
      p.inner[step] = prepare(Lanes::factored, [&](L l, W w, S s, std::size_t) {
        return Gemm<T>{true,       false,     i(s.width), i(s.width), i(s.batch), l.theta,
                       i(s.width), source(l), i(s.width), false,      w.inner,    i(s.width)};
      });
      p.factored_step[step] = prepare(Lanes::factored, [&](L l, W w, S s, std::size_t) {
        return Gemm<T>{false,      false,   i(s.batch), i(s.width), i(s.width), l.scaled,
                       i(s.width), w.inner, i(s.width), true,       target(l),  i(s.width)};
      });
    }
    const auto head_of = [&](bool of_theta) {
      return prepare(Lanes::all, [&, of_theta](L l, W, S s, std::size_t m) {
        return Gemm<T>{false,      true,
                       i(s.batch), i(s.width),
                       i(s.width), of_theta ? l.theta : l.evolved,
                       i(s.width), of_model_[m].head_w,
                       i(s.width), false,
                       l.logits,   i(s.width)};
      });
    };
    p.head = head_of(false);
    p.head_of_theta = head_of(true);
    p.d_evolved = prepare(Lanes::all, [&](L l, W, S s, std::size_t m) {
      return Gemm<T>{false,      false, i(s.batch), i(s.width), i(s.width), l.logits, i(s.width), of_model_[m].head_w,
                     i(s.width), false, l.d_theta,  i(s.width)};
    });
    // Nothing needs either before the update: one launch, in which the short products fill what the long ones leave.
    std::vector<Gemm<T>> gradients;
    for (std::size_t lane = 0; lane < set.lanes.size(); ++lane) {
      const Lane<T>& l = set.lanes[lane];
      const LaneShape& s = members_[model_of_lane[lane]].shape;
      const ParameterArrays<T>& to = gradient_of_model_[model_of_lane[lane]];
      gradients.push_back({true, false, i(s.width), i(s.pitch), i(s.batch), l.d_theta, i(s.width), l.x, i(s.pitch),
                           false, to.psi_w, i(s.pitch)});
      gradients.push_back({true, false, i(s.width), i(s.width), i(s.batch), l.logits, i(s.width), l.evolved, i(s.width),
                           false, to.head_w, i(s.width)});
    }
    p.gradients = products_of(std::move(gradients));
  }

  void initialise_parameters() {
    std::vector<InitialArray<T>> arrays;
    std::uint64_t largest = 1;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const ItmTask& task = *members_[i].task;
      if (task.initial != nullptr) {
        upload_parameters(*task.initial, i);
        continue;
      }
      const LaneShape& s = members_[i].shape;
      const ParameterArrays<T>& p = of_model_[i];
      const auto add = [&](T* to, std::uint32_t rows, std::uint32_t cols, std::uint32_t pitch, std::uint32_t fan_in,
                           const char* name) {
        arrays.push_back(
            {to, rows, cols, pitch, task.seed, philox::stream_id(name), 1.0 / std::sqrt(static_cast<double>(fan_in))});
        largest = std::max(largest, static_cast<std::uint64_t>(rows) * cols);
      };
      add(p.psi_w, s.classes, s.dims, s.pitch, s.dims, "psi.weight");
      add(p.psi_b, 1, s.classes, s.width, s.dims, "psi.bias");
      add(p.head_w, s.classes, s.classes, s.width, s.classes, "head.weight");
      add(p.head_b, 1, s.classes, s.width, s.classes, "head.bias");
    }
    initial_ = DeviceBuffer<InitialArray<T>>(api_, arrays);
    launch(api_, initial_parameters<T>,
           dim3(std::min(tiles(largest, philox_threads), 1024U), static_cast<unsigned>(arrays.size())),
           dim3(philox_threads), initial_.data());
  }

  void upload_parameters(const ItmParameters& from, std::size_t model) {
    const LaneShape& s = members_[model].shape;
    const ParameterArrays<T>& p = of_model_[model];
    const auto put = [&](const std::vector<double>& values, T* to, std::size_t cols, std::size_t pitch) {
      std::vector<T> wide(values.size() / cols * pitch);
      for (std::size_t i = 0; i < values.size(); ++i) {
        wide[i / cols * pitch + i % cols] = static_cast<T>(values[i]);
      }
      api_.upload(to, wide.data(), wide.size() * sizeof(T));
    };
    put(from.psi_w, p.psi_w, s.dims, s.pitch);
    put(from.psi_b, p.psi_b, s.classes, s.width);
    put(from.head_w, p.head_w, s.classes, s.width);
    put(from.head_b, p.head_b, s.classes, s.width);
  }

  void upload_schedule() {
    std::vector<AdamWRate<T>> rates(iterations_);
    for (std::size_t t = 0; t < rates.size(); ++t) {
      const double lr = options_.learning_rate * std::max(0.0, 1.0 - static_cast<double>(t) / 10000.0);
      const auto power = static_cast<double>(t + 1);
      rates[t] = {static_cast<T>(1.0 - lr * options_.weight_decay), static_cast<T>(lr / (1.0 - std::pow(0.9, power))),
                  static_cast<T>(1.0 / std::sqrt(1.0 - std::pow(0.999, power)))};
    }
    rates_ = DeviceBuffer<AdamWRate<T>>(api_, rates);
  }

  // ---- one iteration

  /// A kernel that gives a warp to every row of every lane.
  template <typename... Parameters>
  void launch_rows(const LaneSet<T>& set, void (*kernel)(const Lane<T>*, Parameters...),
                   std::type_identity_t<Parameters>... arguments) {
    launch(api_, kernel, row_grid(set.batch, set.lanes.size()), row_block(), set.on_device.data(), arguments...);
  }

  void step(const LaneSet<T>& set, Products::Step which) {
    if (set.gram) {
      if (which != Products::last) {
        launch_rows(set, keep_copy<T>, which == Products::backward);
      }
      set.products.gram_step[which]->run();
    }
    if (set.factored) {
      set.products.inner[which]->run();
      set.products.factored_step[which]->run();
    }
  }

  /// E_n = (I - C_j)^n R + Y. The last step adds to R_(n-1) + Y, which for one step is Theta.
  void evolve(const LaneSet<T>& set, Cursor cursor) {
    for (std::size_t n = 1; n < options_.steps; ++n) {
      step(set, Products::forward);
    }
    if (options_.steps > 1) {
      launch_rows(set, add_centres<T>, cursor);
    }
    step(set, Products::last);
  }

  /// Does `work`, which is one phase of an iteration.
  template <typename Work>
  void phase(const char* name, const Work& work) const {
    if (engine_.on_phase) {
      engine_.on_phase(name, work);
    } else {
      work();
    }
  }

  /// X, Theta, E_n and the logits without their bias.
  void forward(const LaneSet<T>& set, Cursor cursor, bool predicted) {
    phase("gather", [&] { launch_gather_rows(api_, set.on_device.data(), set.lanes.size(), set.batch, cursor); });
    phase("project", [&] { set.products.project->run(); });
    phase("normalise", [&] { launch_rows(set, normalise_rows<T>, cursor); });
    if (predicted) {
      phase("predict targets", [&] {
        set.products.head_of_theta->run();
        launch_rows(set, pick_targets<T>, cursor);
        launch_rows(set, subtract_centres<T>, cursor);
      });
    }
    phase("evolve", [&] {
      if (set.gram) {
        set.products.gram->run();
      }
      evolve(set, cursor);
    });
    phase("head", [&] { set.products.head->run(); });
  }

  void backward(Cursor cursor) {
    const LaneSet<T>& set = training_;
    phase("loss", [&] { launch_rows(set, cross_entropy<T>, cursor); });
    phase("head backward", [&] { set.products.d_evolved->run(); });
    // C_j is symmetric and a constant in back-propagation (eq. 7).
    phase("evolve backward", [&] {
      for (std::size_t n = 0; n < options_.steps; ++n) {
        step(set, Products::backward);
      }
    });
    phase("normalise backward", [&] { launch_rows(set, normalise_backward<T>, cursor); });
    if (losses_.size() > 0) {
      launch(api_, mean_loss<T>, dim3(static_cast<unsigned>(set.lanes.size())), dim3(sum_threads), set.on_device.data(),
             cursor, losses_.data());
    }
    phase("bias gradients", [&] { launch_column_sums(api_, set.on_device.data(), set.lanes.size(), set.width); });
    phase("weight gradients", [&] { set.products.gradients->run(); });
  }

  void update(Cursor cursor) {
    phase("adamw", [&] {
      launch(api_, adamw<T>, dim3(tiles(parameter_count_, adamw_threads)), dim3(adamw_threads), parameters_.data(),
             gradient_.data(), moment1_.data(), moment2_.data(), parameter_count_, rates_.data(), cursor);
    });
  }

  /// A checkpoint after `local` iterations beyond the device's counter.
  void validate(std::uint32_t local) {
    phase("validate", [&] {
      const bool predicted = options_.validation_targets == ValidationTargets::predicted;
      const LaneSet<T>& set = validation_;
      for (std::uint32_t pass = 0; pass < passes_; ++pass) {
        const Cursor cursor{nullptr, pass};
        forward(set, cursor, predicted);
        launch_rows(set, count_hits<T>, cursor);
        launch(api_, sum_chunk<T>, dim3(static_cast<unsigned>(set.lanes.size())), dim3(sum_threads),
               set.on_device.data(), cursor);
      }
      const auto models = static_cast<std::uint32_t>(members_.size());
      launch(api_, sum_chunks, dim3(tiles(models, 32)), dim3(32), checkpoints_on_device_.data(), models,
             Cursor{base_.data(), local}, every_);
    });
  }

  void move_on(std::uint32_t count) { launch(api_, advance, dim3(1), dim3(32), base_.data(), count); }

  // ---- the run

  [[nodiscard]] bool is_checkpoint(std::uint32_t iteration) const {
    return iteration % every_ == 0 || iteration == iterations_;
  }

  [[nodiscard]] bool cancelled() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](const Member& m) { return m.task->observer.cancelled && m.task->observer.cancelled(); });
  }

  /// Whether somebody wants to see inside this iteration.
  [[nodiscard]] bool watched(std::uint32_t iteration) const {
    return std::any_of(members_.begin(), members_.end(), [&](const Member& m) {
      return m.task->observer.snapshot != nullptr && m.task->observer.snapshot_iteration == iteration;
    });
  }

  [[nodiscard]] bool wants_parameters(const ItmObserver& observer, std::uint32_t iteration) const {
    return observer.parameters != nullptr &&
           std::find(observer.parameter_iterations.begin(), observer.parameter_iterations.end(), iteration) !=
               observer.parameter_iterations.end();
  }

  /// Iterations up to the next checkpoint or point of interest, as a graph. Returns how many are done then.
  std::uint32_t run_stretch(std::uint32_t done) {
    std::uint32_t length = 0;
    bool stop = false;
    while (!stop && length < engine_.graph_iterations) {
      ++length;
      const std::uint32_t at = done + length;
      stop = is_checkpoint(at) || (at < iterations_ && watched(at + 1)) ||
             std::any_of(members_.begin(), members_.end(),
                         [&](const Member& m) { return wants_parameters(m.task->observer, at); });
    }
    const bool validating = is_checkpoint(done + length);
    const auto stretch = [this, length, validating] {
      for (std::uint32_t local = 0; local < length; ++local) {
        const Cursor cursor{base_.data(), local};
        forward(training_, cursor, false);
        backward(cursor);
        update(cursor);
      }
      if (validating) {
        validate(length);
      }
      move_on(length);
    };
    std::unique_ptr<Graph>& graph = graphs_[{length, validating}];
    // The first stretch is not recorded: meanwhile libraries load and choose their kernels, which a recording forbids.
    if (!graph && done > 0 && !engine_.on_phase && records_) {
      graph = record(stretch);
    }
    if (graph) {
      graph->replay();
    } else {
      stretch();
    }
    queued_ += length;
    if (cancellable() && queued_ >= most_queued) {
      api_.synchronise();  // or Ctrl-C would wait for everything that is queued
      queued_ = 0;
    }
    return done + length;
  }

  /// Null where the device refuses, and then for good: launching one by one is slower and as right.
  template <typename Work>
  std::unique_ptr<Graph> record(const Work& work) {
    try {
      return api_.record(work);
    } catch (const DeviceError& error) {
      records_ = false;
      if (engine_.say) {
        engine_.say(std::string(error.what()) + "; going on without graphs, which is slower");
      }
      return nullptr;
    }
  }

  [[nodiscard]] bool cancellable() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](const Member& m) { return static_cast<bool>(m.task->observer.cancelled); });
  }

  /// One iteration with its intermediates.
  std::uint32_t run_watched(std::uint32_t done) {
    const Cursor cursor{base_.data(), 0};
    const auto each = [&](auto record) {
      for (std::size_t i = 0; i < members_.size(); ++i) {
        const ItmObserver& observer = members_[i].task->observer;
        if (observer.snapshot != nullptr && observer.snapshot_iteration == done + 1) {
          record(i, *observer.snapshot);
        }
      }
    };
    forward(training_, cursor, false);
    each([&](std::size_t i, IterationSnapshot& s) { record_forward(i, s, done + 1); });
    backward(cursor);
    each([&](std::size_t i, IterationSnapshot& s) { s.gradient = download(gradient_of_model_[i], members_[i].shape); });
    update(cursor);
    if (is_checkpoint(done + 1)) {
      validate(1);
    }
    move_on(1);
    return done + 1;
  }

  void record_forward(std::size_t model, IterationSnapshot& snapshot, std::uint32_t iteration) {
    const Member& m = members_[model];
    const LaneShape& s = m.shape;
    const Lane<T>& lane = training_.lanes[model];
    snapshot.iteration = iteration;
    snapshot.latent = download(lane.theta, s.batch, s.classes, s.width);
    snapshot.evolved = download(lane.evolved, s.batch, s.classes, s.width);
    snapshot.logits = download(lane.logits, s.batch, s.classes, s.width);
    const std::vector<double> bias = download(lane.head_b, 1, s.classes, s.width);
    for (std::size_t k = 0; k < snapshot.logits.size(); ++k) {
      snapshot.logits[k] =
          static_cast<double>(static_cast<T>(snapshot.logits[k]) + static_cast<T>(bias[k % s.classes]));
    }
    const std::size_t batch = s.batch;
    const DeviceBuffer<T> gram(api_, batch * batch);
    const auto b = static_cast<int>(s.batch);
    const auto w = static_cast<int>(s.width);
    products_of({{false, true, b, b, w, lane.scaled, w, lane.theta, w, false, gram.data(), b}})->run();
    snapshot.recurrence = download(gram.data(), s.batch, s.batch, s.batch);
    for (double& c_j : snapshot.recurrence) {
      c_j = -c_j;  // `scaled` carries the sign of the step
    }
  }

  void collect_parameters(std::uint32_t done) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const ItmObserver& observer = members_[i].task->observer;
      if (wants_parameters(observer, done)) {
        observer.parameters->push_back(download(of_model_[i], members_[i].shape));
      }
      if (done == iterations_ && observer.final_parameters != nullptr) {
        *observer.final_parameters = download(of_model_[i], members_[i].shape);
      }
    }
  }

  std::vector<ItmResult> results() {
    const std::vector<double> loss = checkpoint_loss_.download();
    const std::vector<std::uint32_t> hits = checkpoint_hits_.download();
    const std::vector<double> losses = losses_.download();
    std::vector<ItmResult> all(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto rows = static_cast<double>(members_[i].task->plan->validation.size());
      for (std::size_t slot = 0; slot < checkpoints_; ++slot) {
        const std::size_t at = i * checkpoints_ + slot;
        all[i].curve.push_back({std::min<std::size_t>((slot + 1) * every_, iterations_),
                                static_cast<double>(hits[at]) / rows, loss[at] / rows});
      }
      all[i].best = *std::min_element(all[i].curve.begin(), all[i].curve.end(), is_better);
      all[i].recurrence = members_[i].shape.gram ? Recurrence::gram : Recurrence::factored;
      if (std::vector<double>* wanted = members_[i].task->observer.losses; wanted != nullptr) {
        for (std::size_t t = 0; t < iterations_; ++t) {
          wanted->push_back(losses[t * members_.size() + i]);
        }
      }
    }
    return all;
  }

  /// rows x cols out of rows of `pitch`, as doubles.
  std::vector<double> download(const T* from, std::size_t rows, std::size_t cols, std::size_t pitch) {
    std::vector<T> wide(rows * pitch);
    api_.download(wide.data(), from, wide.size() * sizeof(T));
    std::vector<double> out(rows * cols);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<double>(wide[i / cols * pitch + i % cols]);
    }
    return out;
  }
  ItmParameters download(const ParameterArrays<T>& p, const LaneShape& s) {
    return {download(p.psi_w, s.classes, s.dims, s.pitch), download(p.psi_b, 1, s.classes, s.width),
            download(p.head_w, s.classes, s.classes, s.width), download(p.head_b, 1, s.classes, s.width)};
  }

  DeviceApi& api_;
  std::vector<Member> members_;
  const ItmOptions& options_;
  const ZooEngineOptions& engine_;
  std::uint32_t iterations_ = 0;
  std::uint32_t every_ = 1;
  std::uint32_t checkpoints_ = 0;
  std::uint32_t passes_ = 0;

  std::size_t parameter_count_ = 0;
  DeviceBuffer<T> parameters_;
  DeviceBuffer<T> gradient_;
  DeviceBuffer<T> moment1_;
  DeviceBuffer<T> moment2_;
  std::vector<ParameterArrays<T>> of_model_;
  std::vector<ParameterArrays<T>> gradient_of_model_;
  DeviceBuffer<InitialArray<T>> initial_;
  DeviceBuffer<AdamWRate<T>> rates_;

  std::map<const ItmPlan*, DataSet> data_sets_;
  std::vector<DeviceBuffer<double>> shift_;
  std::vector<DeviceBuffer<double>> scale_;
  std::vector<DeviceBuffer<std::uint32_t>> feature_rows_;
  std::vector<DeviceBuffer<double>> chunk_loss_;
  std::vector<DeviceBuffer<std::uint32_t>> chunk_hits_;
  DeviceBuffer<double> checkpoint_loss_;         // (models, checkpoints)
  DeviceBuffer<std::uint32_t> checkpoint_hits_;  // (models, checkpoints)
  DeviceBuffer<Checkpoints> checkpoints_on_device_;
  DeviceBuffer<double> losses_;       // (iterations, models), where somebody asks for them
  DeviceBuffer<std::uint32_t> base_;  // iterations done, as the device knows it

  DeviceBuffer<std::byte> workspace_;
  LaneSet<T> training_;
  LaneSet<T> validation_;
  std::map<std::pair<std::uint32_t, bool>, std::unique_ptr<Graph>> graphs_;
  bool records_ = true;
  static constexpr std::uint32_t most_queued = 128;  // iterations: about 20 ms for the paper's zoo
  std::uint32_t queued_ = 0;
};

}  // namespace itm::ITM_KERNELS
