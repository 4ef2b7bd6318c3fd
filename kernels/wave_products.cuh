#pragma once
// The matrix products of a set of lanes, in the order of an iteration: what each multiplies, and who does it.

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/grouped_product.cuh"
#include "kernels/wave_arena.cuh"

namespace itm::ITM_KERNELS {

/// Collects the products of one operation, lane by lane, and has them prepared.
template <typename T>
class ProductGroups {
 public:
  ProductGroups(DeviceApi& api, const WaveShape& shape, Layout& layout) : api_(api), shape_(shape), layout_(layout) {}

  /// Those of `set` whose shape is `wanted`; `product(matrices)` is one of them.
  template <typename Wanted, typename Product>
  std::unique_ptr<GemmGroup> of(const LaneSet<T>& set, Wanted wanted, Product product) {
    std::vector<Gemm<T>> group;
    for (std::size_t l = 0; l < set.lanes.size(); ++l) {
      if (wanted(shape_.members[set.member[l]].lane)) {
        add(group, product(set.matrices[l]));
      }
    }
    return prepare(std::move(group));
  }

  std::unique_ptr<GemmGroup> prepare(std::vector<Gemm<T>> group) {
    if constexpr (std::is_same_v<T, float>) {
      // cuBLAS gives a product of few tiles few blocks, however long its k, and knows no 3xTF32.
      const bool few = tiles_of(group) <= most_grouped_tiles && shape_.precision != Precision::tf32;
      const bool own = few || shape_.precision == Precision::tf32x3;
      if (shape_.strategy == GemmStrategy::grouped || (shape_.strategy == GemmStrategy::automatic && own)) {
        return std::make_unique<GroupedProducts>(api_, group, shape_.precision, layout_);
      }
    }
    return api_.prepare(std::move(group), shape_.precision, layout_);
  }

 private:
  static void add(std::vector<Gemm<T>>& group, const Gemm<T>& product) { group.push_back(product); }
  static void add(std::vector<Gemm<T>>& group, const std::vector<Gemm<T>>& products) {
    group.insert(group.end(), products.begin(), products.end());
  }

  DeviceApi& api_;
  const WaveShape& shape_;
  Layout& layout_;
};

template <typename T>
struct WaveProducts {
  /// Which application of the recurrence; all but the last of the forward ones work in place.
  enum Step { forward, last, backward };

  std::unique_ptr<GemmGroup> project;           // Theta = X psi^T
  std::unique_ptr<GemmGroup> gram;              // gram = scaled Theta^T
  std::unique_ptr<GemmGroup> gram_step[3];      // R += gram work; E += gram R; dE += gram work
  std::unique_ptr<GemmGroup> inner[3];          // inner = Theta^T R; the same; Theta^T dE
  std::unique_ptr<GemmGroup> factored_step[3];  // R += scaled inner; E += scaled inner; dE += scaled inner
  std::unique_ptr<GemmGroup> end_of_back;       // dE += scaled inner the last time, where it is no part of a chain
  std::unique_ptr<GemmGroup> head;              // logits = E head^T, where that is no part of a chain
  std::unique_ptr<GemmGroup> head_of_theta;     // the same in all lanes
  std::unique_ptr<GemmGroup> d_evolved;         // dE_n = dLogits head, where that is no part of a chain
  std::unique_ptr<GemmGroup> gradients;         // of psi, dZ^T X, and of head, dLogits^T E

  WaveProducts() = default;
  WaveProducts(ProductGroups<T> groups, const LaneSet<T>& set, const WaveShape& shape, bool training) {
    using M = const LaneMatrices<T>&;
    const auto all = [](const LaneShape&) { return true; };
    const auto in_gram = [](const LaneShape& s) { return s.gram; };
    const auto factored = [](const LaneShape& s) { return !s.gram; };
    const auto plain = [](const LaneShape& s) { return !s.chained; };
    const auto factored_plain = [](const LaneShape& s) { return !s.gram && !s.chained; };
    project = groups.of(set, all, [](M m) { return Gemm<T>{m.x, m.psi, m.theta, Op::none, Op::transpose}; });
    gram = groups.of(set, in_gram, [](M m) { return Gemm<T>{m.scaled, m.theta, m.gram, Op::none, Op::transpose}; });
    const auto head_product = [](M m) { return Gemm<T>{m.evolved, m.head, m.logits, Op::none, Op::transpose}; };
    head = groups.of(set, plain, head_product);
    if (shape.predicted && !training) {
      head_of_theta = groups.of(set, all, head_product);
    }
    const auto add_step = [&](Step step, auto source, auto target, auto in_place, auto wanted) {
      gram_step[step] = groups.of(set, in_gram, [&](M m) {
        return Gemm<T>{m.gram, in_place ? m.work : source(m), target(m), Op::none, Op::none, true};
      });
      inner[step] = groups.of(set, factored, [&](M m) {
        return Gemm<T>{m.theta, source(m), m.inner, Op::transpose, Op::none};
      });
      factored_step[step] =
          groups.of(set, wanted, [&](M m) { return Gemm<T>{m.scaled, m.inner, target(m), Op::none, Op::none, true}; });
    };
    const auto residual = [](M m) { return m.residual; };
    const auto evolved = [](M m) { return m.evolved; };
    const auto d_theta = [](M m) { return m.d_theta; };
    if (shape.steps > 1) {
      add_step(forward, residual, residual, true, factored);
    }
    add_step(last, residual, evolved, false, factored_plain);
    if (!training) {
      return;
    }
    add_step(backward, d_theta, d_theta, true, factored);
    end_of_back = groups.of(set, factored_plain,
                            [](M m) { return Gemm<T>{m.scaled, m.inner, m.d_theta, Op::none, Op::none, true}; });
    d_evolved = groups.of(set, plain, [](M m) { return Gemm<T>{m.logits, m.head, m.d_theta}; });
    // Nothing needs either before the update: one launch, in which the short products fill what the long ones leave.
    gradients = groups.of(set, all, [](M m) {
      return std::vector<Gemm<T>>{{m.d_theta, m.x, m.gradient_psi, Op::transpose},
                                  {m.logits, m.evolved, m.gradient_head, Op::transpose}};
    });
  }
};

}  // namespace itm::ITM_KERNELS
