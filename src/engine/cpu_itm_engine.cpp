// ITM for one model on the CPU (spec 2, steps 6-10): one template, float for speed and double as the reference.
//
// One iteration, B = batch, D = dims, C = classes; all matrices row-major:
//   X (B,D)      gathered and standardised rows                      memory bound
//   Theta (B,C)  rows of X psi_w^T + psi_b, unit length              2 B D C
//   E (B,C)      (I - C_j)^n (Theta - Y) + Y, C_j = c Theta Theta^T   gram 2 B^2 C (1/2 + n), factored 4 n B C^2
//   logits (B,C) E head_w^T + head_b; cross-entropy                  2 B C^2
//   backward     head_w, E, the same operator on dE, norm, psi_w     2 B D C + 4 B C^2 + the recurrence again
//   AdamW        over one flat arena                                 memory bound

#include <algorithm>
#include <cmath>

#include "core/page_allocator.hpp"
#include "core/row_reader.hpp"
#include "core/text.hpp"
#include "engine/itm_inputs.hpp"
#include "engine/itm_math.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"
#include "linalg/blas.hpp"

namespace itm {
namespace {

using blas::Op;

/// C rounded up to a multiple of 4, which the matrix-product kernels run 3 % faster on at C = 397. The rows and columns
/// that it adds start at zero, get zero gradients and stay zero.
std::size_t padded(std::size_t classes) { return (classes + 3) / 4 * 4; }

/// rows x cols doubles into rows of `width`; what lies behind a row is left alone.
template <typename T>
void widen(std::span<const double> from, std::size_t cols, T* to, std::size_t width) {
  for (std::size_t i = 0; i * cols < from.size(); ++i) {
    std::transform(from.begin() + i * cols, from.begin() + (i + 1) * cols, to + i * width,
                   [](double v) { return static_cast<T>(v); });
  }
}

/// The inverse of widen.
template <typename T>
std::vector<double> narrow(const T* from, std::size_t rows, std::size_t cols, std::size_t width) {
  std::vector<double> out(rows * cols);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(from + i * width, cols, out.begin() + i * cols);
  }
  return out;
}

/// psi_w (C, D) | psi_b (C) | head_w (C, C) | head_b (C) in one arena, C padded.
template <typename T>
class Parameters {
 public:
  Parameters(std::size_t dims, std::size_t classes)
      : dims_(dims),
        classes_(classes),
        width_(padded(classes)),
        values_(width_ * dims + width_ + width_ * width_ + width_) {}

  T* psi_w() { return values_.data(); }
  T* psi_b() { return psi_w() + width_ * dims_; }
  T* head_w() { return psi_b() + width_; }
  T* head_b() { return head_w() + width_ * width_; }
  T* data() { return values_.data(); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }

  void load(const ItmParameters& from) {
    widen(from.psi_w, dims_, psi_w(), dims_);
    widen(from.psi_b, classes_, psi_b(), width_);
    widen(from.head_w, classes_, head_w(), width_);
    widen(from.head_b, classes_, head_b(), width_);
  }

  ItmParameters store() {
    return {narrow(psi_w(), classes_, dims_, dims_), narrow(psi_b(), 1, classes_, width_),
            narrow(head_w(), classes_, classes_, width_), narrow(head_b(), 1, classes_, width_)};
  }

 private:
  std::size_t dims_;
  std::size_t classes_;
  std::size_t width_;
  PageVector<T> values_;
};

template <typename T, typename Stored>
class CpuItmEngine {
 public:
  CpuItmEngine(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
               const ItmOptions& options, double eta, const ItmParameters& initial, std::span<const std::uint32_t> rows)
      : reader_(feature, rows),
        shift_(statistics.shift.begin(), statistics.shift.end()),
        scale_(statistics.scale.begin(), statistics.scale.end()),
        plan_(plan),
        options_(options),
        eta_(eta),
        dims_(feature.cols()),
        classes_(plan.labels.classes),
        width_(padded(plan.labels.classes)),
        form_(choose_recurrence(options.recurrence, plan.batch, plan.labels.classes, options.steps)),
        centres_(width_ * width_),
        onehot_(plan.centres == make_centres(CentreKind::onehot, plan.labels.classes, 0)),
        parameters_(dims_, classes_),
        gradient_(dims_, classes_),
        moment1_(parameters_.size()),
        moment2_(parameters_.size()),
        x_(plan.batch * dims_),
        theta_(plan.batch * width_),
        inverse_norm_(plan.batch),
        evolved_(plan.batch * width_),
        logits_(plan.batch * width_),
        work_(plan.batch * width_),
        targets_(plan.batch) {
    parameters_.load(initial);
    widen(plan.centres, classes_, centres_.data(), width_);
    if (form_ == Recurrence::gram) {
      gram_.resize(plan.batch * plan.batch);
    } else {
      inner_.resize(width_ * width_);
    }
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
  using Wide = std::conditional_t<std::is_same_v<T, float> && std::is_same_v<Stored, float>, float, double>;

  /// X, Theta and the inverse norms of a batch.
  void embed(Rows batch) {
    constexpr std::size_t ahead = 2;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i + ahead < batch.size()) {
        reader_.prefetch(batch[i + ahead]);
      }
      math::standardise_row(reader_.row(batch[i]), shift_.data(), scale_.data(), x_.data() + i * dims_, dims_);
      std::copy_n(parameters_.psi_b(), width_, theta_.data() + i * width_);
    }
    blas::gemm<T>(Op::none, Op::transpose, batch.size(), width_, dims_, 1, x_.data(), dims_, parameters_.psi_w(), dims_,
                  1, theta_.data(), width_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      inverse_norm_[i] = math::normalise_row(theta_.data() + i * width_, width_);
    }
  }

  [[nodiscard]] T strength(std::size_t batch) const { return static_cast<T>(eta_ / static_cast<double>(batch)); }

  /// Lower triangle of Theta Theta^T, once per batch.
  void prepare_recurrence(std::size_t batch) {
    if (form_ == Recurrence::gram) {
      blas::syrk_lower<T>(batch, width_, 1, theta_.data(), width_, gram_.data(), batch);
    }
  }

  /// r <- (I - C_j)^n r. C_j is symmetric, so this is the forward and the backward operator (eq. 7).
  void apply_recurrence(std::size_t batch, T* r) {
    for (std::size_t step = 0; step < options_.steps; ++step) {
      if (form_ == Recurrence::gram) {
        std::copy_n(r, batch * width_, work_.data());
        blas::symm_lower<T>(batch, width_, -strength(batch), gram_.data(), batch, work_.data(), width_, 1, r, width_);
      } else {
        blas::gemm<T>(Op::transpose, Op::none, width_, width_, batch, 1, theta_.data(), width_, r, width_, 0,
                      inner_.data(), width_);
        blas::gemm<T>(Op::none, Op::none, batch, width_, width_, -strength(batch), theta_.data(), width_, inner_.data(),
                      width_, 1, r, width_);
      }
    }
  }

  /// E_n from Theta and the targets' centres.
  void evolve(std::size_t batch) {
    prepare_recurrence(batch);
    std::copy_n(theta_.data(), batch * width_, evolved_.data());
    add_centres(batch, evolved_.data(), T{-1});
    apply_recurrence(batch, evolved_.data());
    add_centres(batch, evolved_.data(), T{1});
  }

  /// r += sign * Y. One-hot centres touch one entry of a row.
  void add_centres(std::size_t batch, T* r, T sign) const {
    for (std::size_t i = 0; i < batch; ++i) {
      if (onehot_) {
        r[i * width_ + targets_[i]] += sign;
      } else {
        math::add_scaled(r + i * width_, centres_.data() + targets_[i] * width_, sign, width_);
      }
    }
  }

  /// logits = embedding head_w^T + head_b.
  void classify(std::size_t batch, const T* embedding) {
    for (std::size_t i = 0; i < batch; ++i) {
      std::copy_n(parameters_.head_b(), width_, logits_.data() + i * width_);
    }
    blas::gemm<T>(Op::none, Op::transpose, batch, width_, width_, 1, embedding, width_, parameters_.head_w(), width_, 1,
                  logits_.data(), width_);
  }

  [[nodiscard]] std::size_t label(std::uint32_t row) const {
    return static_cast<std::size_t>(plan_.labels.values[row]);
  }

  T train_step(std::size_t t, IterationSnapshot* snapshot) {
    const std::size_t batch = plan_.batch;
    const Rows rows = Rows(plan_.batches).subspan(t * batch, batch);
    embed(rows);
    std::transform(rows.begin(), rows.end(), targets_.begin(), [this](std::uint32_t row) { return label(row); });
    evolve(batch);
    classify(batch, evolved_.data());
    if (snapshot != nullptr) {
      record_forward(*snapshot, t, batch);
    }

    T loss = 0;
    const T weight = T{1} / static_cast<T>(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      loss += math::softmax_cross_entropy_row(logits_.data() + i * width_, targets_[i], weight, classes_);
    }
    loss *= weight;

    // From here on logits_ holds d loss / d logits.
    std::fill_n(gradient_.head_b(), width_, T{0});
    math::add_column_sums(logits_.data(), batch, width_, gradient_.head_b());
    blas::gemm<T>(Op::transpose, Op::none, width_, width_, batch, 1, logits_.data(), width_, evolved_.data(), width_, 0,
                  gradient_.head_w(), width_);
    T* d_theta = evolved_.data();  // E_n is used up; its place takes dE_n, then dTheta, then dZ
    blas::gemm<T>(Op::none, Op::none, batch, width_, width_, 1, logits_.data(), width_, parameters_.head_w(), width_, 0,
                  d_theta, width_);
    apply_recurrence(batch, d_theta);
    if (options_.pull_weight > 0) {
      loss += add_pull(batch, d_theta);
    }
    for (std::size_t i = 0; i < batch; ++i) {
      math::normalise_row_backward(d_theta + i * width_, theta_.data() + i * width_, inverse_norm_[i], width_);
    }
    std::fill_n(gradient_.psi_b(), width_, T{0});
    math::add_column_sums(d_theta, batch, width_, gradient_.psi_b());
    blas::gemm<T>(Op::transpose, Op::none, width_, dims_, batch, 1, d_theta, width_, x_.data(), dims_, 0,
                  gradient_.psi_w(), dims_);
    if (snapshot != nullptr) {
      snapshot->gradient = gradient_.store();
    }
    update(t);
    return loss;
  }

  /// lambda * MSE(Theta, Y): adds its gradient to d_theta and returns its value.
  T add_pull(std::size_t batch, T* d_theta) {
    const T lambda = static_cast<T>(options_.pull_weight) / static_cast<T>(batch * classes_);
    T sum = 0;
    for (std::size_t i = 0; i < batch; ++i) {
      const T* centre = centres_.data() + targets_[i] * width_;
      for (std::size_t c = 0; c < width_; ++c) {
        const T gap = theta_[i * width_ + c] - centre[c];
        sum += gap * gap;
        d_theta[i * width_ + c] += 2 * lambda * gap;
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
      embed(rows);
      choose_targets(rows);
      evolve(rows.size());
      classify(rows.size(), evolved_.data());
      for (std::size_t i = 0; i < rows.size(); ++i) {
        T* row = logits_.data() + i * width_;
        correct += argmax(row) == label(rows[i]) ? 1 : 0;
        loss += static_cast<double>(math::softmax_cross_entropy_row(row, label(rows[i]), T{1}, classes_));
      }
    }
    const auto count = static_cast<double>(all.size());
    return {iteration, static_cast<double>(correct) / count, loss / count};
  }

  void choose_targets(Rows rows) {
    if (options_.validation_targets == ValidationTargets::labels) {
      std::transform(rows.begin(), rows.end(), targets_.begin(), [this](std::uint32_t row) { return label(row); });
      return;
    }
    classify(rows.size(), theta_.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      targets_[i] = argmax(logits_.data() + i * width_);
    }
  }

  [[nodiscard]] std::size_t argmax(const T* row) const {
    return static_cast<std::size_t>(std::max_element(row, row + classes_) - row);
  }

  void record_forward(IterationSnapshot& snapshot, std::size_t t, std::size_t batch) {
    snapshot.iteration = t + 1;
    snapshot.latent = narrow(theta_.data(), batch, classes_, width_);
    snapshot.evolved = narrow(evolved_.data(), batch, classes_, width_);
    snapshot.logits = narrow(logits_.data(), batch, classes_, width_);
    std::vector<T> c_j(batch * batch);
    blas::gemm<T>(Op::none, Op::transpose, batch, batch, width_, strength(batch), theta_.data(), width_, theta_.data(),
                  width_, 0, c_j.data(), batch);
    snapshot.recurrence.assign(c_j.begin(), c_j.end());
  }

  RowReader<Stored> reader_;
  std::vector<Wide> shift_;  // (D)
  std::vector<Wide> scale_;  // (D)
  const ItmPlan& plan_;
  const ItmOptions& options_;
  double eta_;
  std::size_t dims_;
  std::size_t classes_;  // C
  std::size_t width_;    // C padded: the length of every row below that is said to hold C entries
  Recurrence form_;
  std::vector<T> centres_;  // (C, C)
  bool onehot_;
  Parameters<T> parameters_;
  Parameters<T> gradient_;
  PageVector<T> moment1_;
  PageVector<T> moment2_;
  PageVector<T> x_;                   // (B, D)
  PageVector<T> theta_;               // (B, C)
  std::vector<T> inverse_norm_;       // (B)
  PageVector<T> evolved_;             // (B, C): R, E_n, then the gradients that flow back through them
  PageVector<T> logits_;              // (B, C), then their gradient
  PageVector<T> work_;                // (B, C)
  PageVector<T> gram_;                // (B, B), lower triangle; gram form only
  PageVector<T> inner_;               // (C, C) Theta^T R; factored form only
  std::vector<std::size_t> targets_;  // (B) class whose centre a row is pulled to
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
      break;
  }
  throw InputError("--precision tf32 exists on a GPU only; use float32 or float64 with --backend cpu");
}

}  // namespace itm
