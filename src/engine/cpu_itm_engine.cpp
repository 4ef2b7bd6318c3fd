// ITM for one model on the CPU (spec 2, steps 6-10): one template, float for speed and double as the reference.
//
// One iteration is the forward pass (itm_forward.hpp) and, B = batch, D = dims, C = classes:
//   loss         cross-entropy of the logits
//   backward     head_w, E, the same operator on dE, norm, psi_w     2 B D C + 4 B C^2 + the recurrence again
//   AdamW        over one flat arena                                 memory bound

#include <algorithm>
#include <cmath>

#include "core/precision_name.hpp"
#include "core/text.hpp"
#include "engine/itm_forward.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

template <typename T, typename Stored>
class CpuItmEngine {
 public:
  CpuItmEngine(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
               const ItmOptions& options, double eta, const ItmParameters& initial, std::span<const std::uint32_t> rows)
      : plan_(plan),
        options_(options),
        form_(choose_recurrence(options.recurrence, plan.batch, plan.labels.classes, options.steps)),
        forward_(feature, statistics, plan, options, eta, form_, plan.batch, rows),
        parameters_(forward_.parameters()),
        gradient_(forward_.dims(), forward_.classes()),
        moment1_(parameters_.size()),
        moment2_(parameters_.size()) {
    parameters_.load(initial);
  }

  ItmResult run(const ItmObserver& observer) {
    ItmResult result;
    result.recurrence = form_;
    auto next_parameters = observer.parameter_iterations.begin();
    for (std::size_t t = 0; t < plan_.iterations; ++t) {
      if (observer.cancelled && observer.cancelled()) {
        throw Interrupted();
      }
      const bool watched = observer.snapshot != nullptr && observer.snapshot_iteration == t + 1;
      const T loss = train_step(t, watched ? observer.snapshot : nullptr);
      if (observer.losses != nullptr) {
        observer.losses->push_back(static_cast<double>(loss));
      }
      if (observer.parameters != nullptr && next_parameters != observer.parameter_iterations.end() &&
          *next_parameters == t + 1) {
        observer.parameters->push_back(parameters_.store());
        ++next_parameters;
      }
      if ((t + 1) % options_.validate_every == 0 || t + 1 == plan_.iterations) {
        result.curve.push_back(validate(t + 1));
      }
    }
    result.best = *std::min_element(result.curve.begin(), result.curve.end(), is_better);
    if (observer.final_parameters != nullptr) {
      *observer.final_parameters = parameters_.store();
    }
    return result;
  }

 private:
  using Rows = std::span<const std::uint32_t>;

  T train_step(std::size_t t, IterationSnapshot* snapshot) {
    const std::size_t batch = plan_.batch;
    const std::size_t width = forward_.width();
    forward_.run(Rows(plan_.batches).subspan(t * batch, batch), ValidationTargets::labels);
    if (snapshot != nullptr) {
      record_forward(*snapshot, t, batch);
    }

    T* d_logits = forward_.logits();
    T loss = 0;
    const T weight = T{1} / static_cast<T>(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      loss += math::softmax_cross_entropy_row(d_logits + i * width, forward_.targets()[i], weight, forward_.classes());
    }
    loss *= weight;

    std::fill_n(gradient_.head_b(), width, T{0});
    math::add_column_sums(d_logits, batch, width, gradient_.head_b());
    blas::gemm<T>(Op::transpose, Op::none, width, width, batch, 1, d_logits, width, forward_.evolved(), width, 0,
                  gradient_.head_w(), width);
    T* d_theta = forward_.evolved();  // E_n is used up; its place takes dE_n, then dTheta, then dZ
    blas::gemm<T>(Op::none, Op::none, batch, width, width, 1, d_logits, width, parameters_.head_w(), width, 0, d_theta,
                  width);
    forward_.apply_recurrence(batch, d_theta);
    if (options_.pull_weight > 0) {
      loss += add_pull(batch, d_theta);
    }
    for (std::size_t i = 0; i < batch; ++i) {
      math::normalise_row_backward(d_theta + i * width, forward_.theta() + i * width, forward_.inverse_norm()[i],
                                   width);
    }
    const std::size_t dims = forward_.dims();
    std::fill_n(gradient_.psi_b(), width, T{0});
    math::add_column_sums(d_theta, batch, width, gradient_.psi_b());
    blas::gemm<T>(Op::transpose, Op::none, width, dims, batch, 1, d_theta, width, forward_.x(), dims, 0,
                  gradient_.psi_w(), dims);
    if (snapshot != nullptr) {
      snapshot->gradient = gradient_.store();
    }
    update(t);
    return loss;
  }

  /// lambda * MSE(Theta, Y): adds its gradient to d_theta and returns its value.
  T add_pull(std::size_t batch, T* d_theta) {
    const std::size_t width = forward_.width();
    const T lambda = static_cast<T>(options_.pull_weight) / static_cast<T>(batch * forward_.classes());
    T sum = 0;
    for (std::size_t i = 0; i < batch; ++i) {
      const T* centre = forward_.centre_of(i);
      for (std::size_t c = 0; c < width; ++c) {
        const T gap = forward_.theta()[i * width + c] - centre[c];
        sum += gap * gap;
        d_theta[i * width + c] += 2 * lambda * gap;
      }
    }
    return lambda * sum;
  }

  void update(std::size_t t) {
    const double lr = options_.learning_rate * std::max(0.0, 1.0 - static_cast<double>(t) / 10000.0);
    const auto power = static_cast<double>(t + 1);
    const math::AdamWStep<T> step{static_cast<T>(1.0 - lr * options_.weight_decay),
                                  static_cast<T>(lr / (1.0 - std::pow(0.9, power))),
                                  static_cast<T>(1.0 / std::sqrt(1.0 - std::pow(0.999, power)))};
    math::adamw(parameters_.data(), gradient_.data(), moment1_.data(), moment2_.data(), parameters_.size(), step);
  }

  Checkpoint validate(std::size_t iteration) {
    std::size_t correct = 0;
    double loss = 0;
    const Rows all(plan_.validation);
    for (std::size_t start = 0; start < all.size(); start += plan_.batch) {
      const Rows rows = all.subspan(start, std::min(plan_.batch, all.size() - start));
      forward_.run(rows, options_.validation_targets);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        T* row = forward_.logits() + i * forward_.width();
        const std::size_t label = forward_.label(rows[i]);
        correct += forward_.argmax(row) == label ? 1 : 0;
        loss += static_cast<double>(math::softmax_cross_entropy_row(row, label, T{1}, forward_.classes()));
      }
    }
    const auto count = static_cast<double>(all.size());
    return {iteration, static_cast<double>(correct) / count, loss / count};
  }

  void record_forward(IterationSnapshot& snapshot, std::size_t t, std::size_t batch) {
    const std::size_t width = forward_.width();
    const std::size_t classes = forward_.classes();
    snapshot.iteration = t + 1;
    snapshot.latent = narrow(forward_.theta(), batch, classes, width);
    snapshot.evolved = narrow<T>(forward_.evolved(), batch, classes, width);
    snapshot.logits = narrow<T>(forward_.logits(), batch, classes, width);
    std::vector<T> c_j(batch * batch);
    blas::gemm<T>(Op::none, Op::transpose, batch, batch, width, forward_.strength(batch), forward_.theta(), width,
                  forward_.theta(), width, 0, c_j.data(), batch);
    snapshot.recurrence.assign(c_j.begin(), c_j.end());
  }

  const ItmPlan& plan_;
  const ItmOptions& options_;
  Recurrence form_;
  ItmForward<T, Stored> forward_;
  Parameters<T>& parameters_;  // of forward_
  Parameters<T> gradient_;
  PageVector<T> moment1_;
  PageVector<T> moment2_;
};

template <typename T>
ItmResult run_as(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                 const ItmOptions& options, double eta, const ItmParameters& initial,
                 std::span<const std::uint32_t> rows, const ItmObserver& observer) {
  if (reads_as_double(feature)) {
    return CpuItmEngine<T, double>(feature, statistics, plan, options, eta, initial, rows).run(observer);
  }
  return CpuItmEngine<T, float>(feature, statistics, plan, options, eta, initial, rows).run(observer);
}

}  // namespace

ItmResult run_itm(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                  const ItmOptions& options, double eta, const ItmParameters& initial,
                  std::span<const std::uint32_t> rows, const ItmObserver& observer) {
  blas::prepare();
  options.validate();
  check_itm_inputs(path_text(feature.source()), feature.rows(), feature.cols(), statistics, plan, &initial, rows);
  switch (options.precision) {
    case Precision::float32:
      return run_as<float>(feature, statistics, plan, options, eta, initial, rows, observer);
    case Precision::float64:
      return run_as<double>(feature, statistics, plan, options, eta, initial, rows, observer);
    case Precision::tf32:
    case Precision::tf32x3:
      break;
  }
  throw InputError("--precision " + std::string(name_of(options.precision)) +
                   " exists on a GPU only; use float32 or float64 with --backend cpu");
}

}  // namespace itm
