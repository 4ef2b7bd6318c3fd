#pragma once
// One wave: the models of a zoo that are on the device together, trained and validated in lockstep (spec 2, steps
// 6-10). It is made for a shape and serves runs of that shape, one at a time:
//   wave_shape.cuh     what a shape is                   wave_products.cuh   the matrix products
//   wave_arena.cuh     memory, and what a run brings     wave_step.cuh       an iteration, a validation
//   wave_recorder.cuh  graphs

#include <algorithm>
#include <memory>
#include <vector>

#include "itm/error.hpp"
#include "kernels/wave_recorder.cuh"
#include "kernels/wave_step.cuh"

namespace itm::ITM_KERNELS {

/// A wave whatever its precision.
class AnyWave : public KeptWork {
 public:
  /// Tells `progress` the iterations that are done and all of them. Throws Interrupted. The features are given back in
  /// the end; what throws leaves a wave that must not be used again.
  [[nodiscard]] virtual std::vector<ItmResult> run(
      std::vector<Member>& members, const ItmOptions& options,
      const std::function<void(std::uint32_t, std::uint32_t)>& progress) = 0;
  [[nodiscard]] virtual std::size_t bytes() const = 0;
};

template <typename T>
class Wave final : public AnyWave {
 public:
  /// `validation_limit`: bytes that validation may use where it is more than training needs.
  Wave(DeviceApi& api, WaveShape shape, const ZooEngineOptions& engine, std::size_t validation_limit)
      : api_(api),
        shape_(std::move(shape)),
        engine_(engine),
        step_(api, shape_, engine_, arena_),
        recorder_(api, engine.say),
        arena_(api, shape_, engine.validation_chunks, validation_limit,
               [this](Layout& layout, const LaneSet<T>& set, bool training) { step_.prepare(layout, set, training); }) {
  }
  /// Memory goes only when no work uses it. After a run there is none, so that another thread may end the wave.
  ~Wave() override {
    if (!idle_) {
      try {
        api_.synchronise();
      } catch (...) {  // it was reported where it happened, or there is nothing to save
      }
    }
  }
  Wave(const Wave&) = delete;
  Wave& operator=(const Wave&) = delete;

  [[nodiscard]] std::size_t bytes() const override { return arena_.bytes(); }

  [[nodiscard]] std::vector<ItmResult> run(std::vector<Member>& members, const ItmOptions& options,
                                           const std::function<void(std::uint32_t, std::uint32_t)>& progress) override {
    idle_ = false;
    members_ = members;
    arena_.load(members_, options);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (task(i).initial != nullptr) {
        upload_parameters(*task(i).initial, i);
      }
    }
    std::uint32_t done = 0;
    while (done < shape_.iterations) {
      if (cancelled()) {
        api_.synchronise();
        throw Interrupted();
      }
      done = watched(done + 1) ? run_watched(done) : run_stretch(done);
      collect_parameters(done);
      progress(done, shape_.iterations);
    }
    std::vector<ItmResult> found = results();  // waits
    members_ = {};
    idle_ = true;
    return found;
  }

 private:
  [[nodiscard]] const ItmTask& task(std::size_t i) const { return *members_[i].task; }
  [[nodiscard]] const LaneShape& lane_shape(std::size_t i) const { return shape_.members[i].lane; }

  template <typename Test>
  [[nodiscard]] bool any_observer(Test test) const {
    return std::any_of(members_.begin(), members_.end(), [&](const Member& m) { return test(m.task->observer); });
  }
  [[nodiscard]] bool is_checkpoint(std::uint32_t iteration) const {
    return iteration % shape_.every == 0 || iteration == shape_.iterations;
  }
  [[nodiscard]] bool cancelled() const {
    return any_observer([](const ItmObserver& o) { return o.cancelled && o.cancelled(); });
  }
  /// Whether somebody wants to see inside this iteration.
  [[nodiscard]] bool watched(std::uint32_t iteration) const {
    return any_observer(
        [=](const ItmObserver& o) { return o.snapshot != nullptr && o.snapshot_iteration == iteration; });
  }
  [[nodiscard]] static bool wants_parameters(const ItmObserver& observer, std::uint32_t iteration) {
    return observer.parameters != nullptr &&
           std::find(observer.parameter_iterations.begin(), observer.parameter_iterations.end(), iteration) !=
               observer.parameter_iterations.end();
  }

  /// Iterations up to the next checkpoint or point of interest. Returns how many are done then.
  std::uint32_t run_stretch(std::uint32_t done) {
    std::uint32_t length = 0;
    bool stop = false;
    while (!stop && length < engine_.graph_iterations) {
      ++length;
      const std::uint32_t at = done + length;
      stop = is_checkpoint(at) || (at < shape_.iterations && watched(at + 1)) ||
             any_observer([=](const ItmObserver& o) { return wants_parameters(o, at); });
    }
    const bool validating = is_checkpoint(done + length);
    recorder_.run(length, validating, !engine_.on_phase, [this, length, validating] {
      for (std::uint32_t i = 0; i < length; ++i) {
        step_.forward_and_back();
        step_.update();
      }
      if (validating) {
        step_.validate();
      }
    });
    if (any_observer([](const ItmObserver& o) { return static_cast<bool>(o.cancelled); })) {
      recorder_.limit_queue(length);
    }
    return done + length;
  }

  /// One iteration with its intermediates.
  std::uint32_t run_watched(std::uint32_t done) {
    step_.forward_and_back();
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const ItmObserver& observer = task(i).observer;
      if (observer.snapshot != nullptr && observer.snapshot_iteration == done + 1) {
        record(i, *observer.snapshot, done + 1);
      }
    }
    step_.update();
    if (is_checkpoint(done + 1)) {
      step_.validate();
    }
    return done + 1;
  }

  void record(std::size_t model, IterationSnapshot& snapshot, std::uint32_t iteration) {
    const LaneShape& s = lane_shape(model);
    const LaneMatrices<T>& m = arena_.training().matrices[model];
    snapshot.iteration = iteration;
    snapshot.latent = download(m.theta, s.classes);
    snapshot.evolved = download(m.evolved, s.classes);
    // Their gradient has taken the place of the logits.
    snapshot.logits = product(m.evolved, m.head, s.classes);
    snapshot.recurrence = product(m.scaled, m.theta, s.batch);
    for (double& c_j : snapshot.recurrence) {
      c_j = -c_j;  // `scaled` carries the sign of the step
    }
    snapshot.gradient = download_parameters(arena_.gradient_of(model), s);
  }

  /// The first `cols` columns of a b^T.
  std::vector<double> product(BasicView<T> a, BasicView<T> b, std::size_t cols) {
    const DeviceBuffer<T> room(api_, a.rows() * b.rows());
    const BasicView<T> c(room.data(), a.rows(), b.rows(), b.rows());
    LoneProducts<T>(api_, {{a, b, c, Op::none, Op::transpose}}, shape_.precision).run();
    return download(c, cols);
  }

  void collect_parameters(std::uint32_t done) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const ItmObserver& observer = task(i).observer;
      if (wants_parameters(observer, done)) {
        observer.parameters->push_back(download_parameters(arena_.parameters_of(i), lane_shape(i)));
      }
      if (done == shape_.iterations && observer.final_parameters != nullptr) {
        *observer.final_parameters = download_parameters(arena_.parameters_of(i), lane_shape(i));
      }
    }
  }

  std::vector<ItmResult> results() {
    const std::size_t slots = shape_.checkpoints();
    const std::vector<double> loss = downloaded(arena_.checkpoint_loss, members_.size() * slots);
    const std::vector<std::uint32_t> hits = downloaded(arena_.checkpoint_hits, members_.size() * slots);
    const std::vector<double> losses =
        downloaded(arena_.losses, shape_.losses ? members_.size() * shape_.iterations : 0);
    std::vector<ItmResult> all(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto rows = static_cast<double>(shape_.members[i].validation);
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const std::size_t at = i * slots + slot;
        all[i].curve.push_back({std::min<std::size_t>((slot + 1) * shape_.every, shape_.iterations),
                                static_cast<double>(hits[at]) / rows, loss[at] / rows});
      }
      all[i].best = *std::min_element(all[i].curve.begin(), all[i].curve.end(), is_better);
      all[i].recurrence = lane_shape(i).gram ? Recurrence::gram : Recurrence::factored;
      if (std::vector<double>* wanted = task(i).observer.losses; wanted != nullptr) {
        for (std::size_t t = 0; t < shape_.iterations; ++t) {
          wanted->push_back(losses[t * members_.size() + i]);
        }
      }
    }
    return all;
  }

  void upload_parameters(const ItmParameters& from, std::size_t model) {
    const LaneShape& s = lane_shape(model);
    const auto put = [&](const std::vector<double>& weights, const std::vector<double>& bias, T* to, std::size_t cols,
                         std::size_t pitch) {
      std::vector<T> wide(bias.size() * pitch);
      for (std::size_t i = 0; i < bias.size(); ++i) {
        for (std::size_t j = 0; j < cols; ++j) {
          wide[i * pitch + j] = static_cast<T>(weights[i * cols + j]);
        }
        wide[i * pitch + cols] = static_cast<T>(bias[i]);
      }
      api_.upload(to, wide.data(), wide.size() * sizeof(T));
    };
    put(from.psi_w, from.psi_b, arena_.parameters_of(model).psi, s.dims, s.pitch);
    put(from.head_w, from.head_b, arena_.parameters_of(model).head, s.classes, s.width);
  }

  template <typename U>
  std::vector<U> downloaded(const U* from, std::size_t count) {
    std::vector<U> values(count);
    if (count > 0) {
      api_.download(values.data(), from, count * sizeof(U));
    }
    return values;
  }
  /// The first `cols` columns, as doubles.
  std::vector<double> download(BasicView<T> from, std::size_t cols) {
    const std::vector<T> wide = downloaded(from.data(), from.size());
    std::vector<double> out(from.rows() * cols);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<double>(wide[i / cols * from.cols() + i % cols]);
    }
    return out;
  }
  ItmParameters download_parameters(const ParameterArrays<T>& p, const LaneShape& s) {
    ItmParameters to;
    const auto split = [&](T* from, std::size_t cols, std::size_t pitch, std::vector<double>& weights,
                           std::vector<double>& bias) {
      const std::vector<double> both = download({from, s.classes, pitch, pitch}, cols + 1);
      for (std::size_t i = 0; i < s.classes; ++i) {
        const auto row = both.begin() + static_cast<std::ptrdiff_t>(i * (cols + 1));
        weights.insert(weights.end(), row, row + static_cast<std::ptrdiff_t>(cols));
        bias.push_back(row[static_cast<std::ptrdiff_t>(cols)]);
      }
    };
    split(p.psi, s.dims, s.pitch, to.psi_w, to.psi_b);
    split(p.head, s.classes, s.width, to.head_w, to.head_b);
    return to;
  }

  DeviceApi& api_;
  const WaveShape shape_;
  const ZooEngineOptions engine_;
  WaveStep<T> step_;
  WaveRecorder recorder_;
  WaveArena<T> arena_;
  std::span<Member> members_;
  bool idle_ = true;
};

}  // namespace itm::ITM_KERNELS
