#pragma once
// What a wave does in an iteration and in a validation (spec 2, steps 6-10): one launch for all models an operation,
// issued in order and without a wait, so that it can be recorded. See lane.cuh for shapes.
//
// For one step of the recurrence in factored form and at most `chain_width` classes an iteration is nine launches, each
// of which needs the one before: gather, Theta, its length, Theta^T R, chain_forward, Theta^T dE, chain_backward, the
// gradients, the update. In gram form, or with more classes, it is thirteen.

#include <type_traits>

#include "kernels/add_centres.cuh"
#include "kernels/cross_entropy.cuh"
#include "kernels/gather_rows.cuh"
#include "kernels/keep_copy.cuh"
#include "kernels/normalise_backward.cuh"
#include "kernels/normalise_rows.cuh"
#include "kernels/wave_products.cuh"

namespace itm::ITM_KERNELS {

template <typename T>
class WaveStep {
 public:
  WaveStep(DeviceApi& api, const WaveShape& shape, const ZooEngineOptions& engine, const WaveArena<T>& arena)
      : api_(api), shape_(shape), engine_(engine), arena_(arena) {}

  /// What the products of a set of lanes need is laid out.
  void prepare(Layout& layout, const LaneSet<T>& set, bool training) {
    (training ? training_ : validation_) =
        WaveProducts<T>(ProductGroups<T>(api_, shape_, layout), set, shape_, training);
  }

  /// Up to the gradients; what snapshots look at is there afterwards.
  void forward_and_back() {
    const LaneSet<T>& set = arena_.training();
    const Cursor cursor{arena_.counters.base, 0};
    forward<true>(set, training_, cursor);
    backward(set, cursor);
  }

  /// Ends the iteration.
  void update() {
    phase("adamw", [&] {
      launch_adamw(api_, arena_.parameters, arena_.gradient, arena_.moment1, arena_.moment2, arena_.parameter_count,
                   arena_.rates, arena_.counters);
    });
  }

  /// A checkpoint of the iterations that are done.
  void validate() {
    phase("validate", [&] {
      const LaneSet<T>& set = arena_.validation();
      for (std::uint32_t pass = 0; pass < arena_.passes(); ++pass) {
        const Cursor cursor{nullptr, pass};
        forward<false>(set, validation_, cursor);
        launch(api_, sum_chunk<T>, dim3(static_cast<unsigned>(set.lanes.size())), dim3(sum_threads), set.on_device,
               cursor);
      }
      const auto models = static_cast<std::uint32_t>(shape_.members.size());
      launch(api_, sum_chunks, dim3(tiles(models, 32)), dim3(32), arena_.checkpoints, models,
             Cursor{arena_.counters.base, 0}, shape_.every);
    });
  }

 private:
  using Step = typename WaveProducts<T>::Step;

  /// A kernel that gives a warp to every row of every lane.
  template <typename... Parameters>
  void launch_rows(const LaneSet<T>& set, void (*kernel)(const Lane<T>*, Parameters...),
                   std::type_identity_t<Parameters>... arguments) {
    launch(api_, kernel, row_grid(set.batch, set.lanes.size()), row_block(), set.on_device, arguments...);
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

  static void run(const std::unique_ptr<GemmGroup>& products, bool wanted) {
    if (wanted) {
      products->run();
    }
  }

  /// One application of the recurrence; of the last each way, chains leave the second product to their kernels.
  void step(const LaneSet<T>& set, const WaveProducts<T>& products, Step which, bool ends) {
    if (set.gram) {
      if (which != Step::last) {
        launch_rows(set, keep_copy<T>, which == Step::backward);
      }
      products.gram_step[which]->run();
    }
    if (set.factored) {
      products.inner[which]->run();
      const bool plain = factored_plain(set);
      if (which == Step::backward && ends) {
        run(products.end_of_back, plain);
      } else {
        run(products.factored_step[which], which != Step::last || plain);
      }
    }
  }

  /// Whether a lane is in factored form and no chain.
  [[nodiscard]] bool factored_plain(const LaneSet<T>& set) const {
    return std::any_of(set.lanes.begin(), set.lanes.end(),
                       [](const Lane<T>& lane) { return lane.inner != nullptr && !lane.chained; });
  }

  /// X, Theta, E_n, logits, and what comes of them: losses and, in training, dE_n.
  template <bool training>
  void forward(const LaneSet<T>& set, const WaveProducts<T>& products, Cursor cursor) {
    phase("gather", [&] {
      launch_gather_rows(api_, set.on_device, set.lanes.size(), set.batch, cursor,
                         training ? arena_.counters.update : nullptr);
    });
    phase("project", [&] { products.project->run(); });
    phase("normalise", [&] { launch_rows(set, normalise_rows<T>, cursor); });
    if (!training && shape_.predicted) {
      phase("predict targets", [&] {
        products.head_of_theta->run();
        launch_rows(set, pick_targets<T>, cursor);
        launch_rows(set, subtract_centres<T>, cursor);
      });
    }
    phase("evolve", [&] {
      run(products.gram, set.gram);
      // The last step adds to R_(n-1) + Y, which for one step is Theta.
      for (std::size_t n = 1; n < shape_.steps; ++n) {
        step(set, products, Step::forward, false);
      }
      if (shape_.steps > 1) {
        launch_rows(set, add_centres<T>, cursor);
      }
      step(set, products, Step::last, true);
    });
    if (set.chained) {
      phase("rows", [&] {
        launch_chain(api_, chain_forward<T, training>, set.on_device, set.lanes.size(), set.batch, cursor,
                     (training ? 3 : 2) * set.chain_flops);
      });
    }
    if (set.plain) {
      phase("head", [&] { products.head->run(); });
      phase("loss", [&] { launch_rows(set, training ? cross_entropy<T> : count_hits<T>, cursor); });
    }
  }

  void backward(const LaneSet<T>& set, Cursor cursor) {
    if (set.plain) {
      phase("head backward", [&] { training_.d_evolved->run(); });
    }
    // C_j is symmetric and a constant in back-propagation (eq. 7).
    phase("evolve backward", [&] {
      for (std::size_t n = 1; n <= shape_.steps; ++n) {
        step(set, training_, Step::backward, n == shape_.steps);
      }
    });
    phase("normalise backward", [&] {
      if (set.chained) {
        launch_chain(api_, chain_backward<T>, set.on_device, set.lanes.size(), set.batch, cursor, set.chain_flops);
      }
      if (set.plain) {
        launch_rows(set, normalise_backward<T>, cursor);
      }
    });
    if (shape_.losses) {
      launch(api_, mean_loss<T>, dim3(static_cast<unsigned>(set.lanes.size())), dim3(sum_threads), set.on_device,
             cursor, arena_.losses);
    }
    phase("gradients", [&] { training_.gradients->run(); });
  }

  DeviceApi& api_;
  const WaveShape& shape_;
  const ZooEngineOptions& engine_;
  const WaveArena<T>& arena_;
  WaveProducts<T> training_;
  WaveProducts<T> validation_;
};

}  // namespace itm::ITM_KERNELS
