#pragma once
// The forward pass of ITM for one model on the CPU (spec 2, steps 1 and 6): what training, validation and the pictures
// of evolved rows have in common. One template, float for speed and double as the reference.
//
// B = batch, D = dims, C = classes; all matrices row-major:
//   X (B,D)      gathered and standardised rows                      memory bound
//   Theta (B,C)  rows of X psi_w^T + psi_b, unit length              2 B D C
//   E (B,C)      (I - C_j)^n (Theta - Y) + Y, C_j = c Theta Theta^T   gram 2 B^2 C (1/2 + n), factored 4 n B C^2
//   logits (B,C) E head_w^T + head_b                                 2 B C^2

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "core/page_allocator.hpp"
#include "core/row_reader.hpp"
#include "engine/itm_inputs.hpp"
#include "engine/itm_math.hpp"
#include "itm/itm.hpp"
#include "linalg/blas.hpp"

namespace itm {

/// C rounded up to a multiple of 4, which the matrix-product kernels run 3 % faster on at C = 397. The rows and columns
/// that it adds start at zero, get zero gradients and stay zero.
[[nodiscard]] inline std::size_t padded(std::size_t classes) { return (classes + 3) / 4 * 4; }

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

/// `Stored`: how the features are read, float or double.
template <typename T, typename Stored>
class ItmForward {
 public:
  using Rows = std::span<const std::uint32_t>;

  /// Room for batches of up to `capacity` rows of the plan; `rows` maps those to rows of the array (empty: identity).
  ItmForward(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan, const ItmOptions& options,
             double eta, Recurrence form, std::size_t capacity, Rows rows)
      : reader_(feature, rows),
        shift_(statistics.shift.begin(), statistics.shift.end()),
        scale_(statistics.scale.begin(), statistics.scale.end()),
        plan_(plan),
        steps_(options.steps),
        eta_(eta),
        dims_(feature.cols()),
        classes_(plan.labels.classes),
        width_(padded(plan.labels.classes)),
        form_(form),
        centres_(width_ * width_),
        onehot_(plan.centres == make_centres(CentreKind::onehot, plan.labels.classes, 0)),
        parameters_(dims_, classes_),
        x_(capacity * dims_),
        theta_(capacity * width_),
        inverse_norm_(capacity),
        evolved_(capacity * width_),
        logits_(capacity * width_),
        work_(form == Recurrence::gram ? capacity * width_ : 0),
        gram_(form == Recurrence::gram ? capacity * capacity : 0),
        inner_(form == Recurrence::gram ? 0 : width_ * width_),
        targets_(capacity) {
    widen(plan.centres, classes_, centres_.data(), width_);
  }

  [[nodiscard]] Parameters<T>& parameters() { return parameters_; }
  [[nodiscard]] std::size_t dims() const { return dims_; }
  [[nodiscard]] std::size_t classes() const { return classes_; }
  /// C padded: the length of every row that is said to hold C entries.
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] const T* x() const { return x_.data(); }
  [[nodiscard]] const T* theta() const { return theta_.data(); }
  [[nodiscard]] const T* inverse_norm() const { return inverse_norm_.data(); }
  /// E_n. Once it is used up its place may take what flows back through it.
  [[nodiscard]] T* evolved() { return evolved_.data(); }
  [[nodiscard]] T* logits() { return logits_.data(); }
  [[nodiscard]] const std::vector<std::size_t>& targets() const { return targets_; }
  [[nodiscard]] const T* centre_of(std::size_t i) const { return centres_.data() + targets_[i] * width_; }

  /// Logits of E_n for rows of the plan. All that is on the way to them stays until the next call.
  void run(Rows batch, ValidationTargets targets) {
    embed(batch);
    choose_targets(batch, targets);
    evolve(batch.size());
    classify(batch.size(), evolved_.data());
  }

  /// eta / B: what a step of the recurrence is multiplied by.
  [[nodiscard]] T strength(std::size_t batch) const { return static_cast<T>(eta_ / static_cast<double>(batch)); }

  /// r <- (I - C_j)^n r. C_j is symmetric, so this is the forward and the backward operator (eq. 7).
  void apply_recurrence(std::size_t batch, T* r) {
    for (std::size_t step = 0; step < steps_; ++step) {
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

  [[nodiscard]] std::size_t label(std::uint32_t row) const {
    return static_cast<std::size_t>(plan_.labels.values[row]);
  }

  [[nodiscard]] std::size_t argmax(const T* row) const {
    return static_cast<std::size_t>(std::max_element(row, row + classes_) - row);
  }

 private:
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

  /// The labels, or argmax h(Theta) where validation is told so.
  void choose_targets(Rows rows, ValidationTargets which) {
    if (which == ValidationTargets::labels) {
      std::transform(rows.begin(), rows.end(), targets_.begin(), [this](std::uint32_t row) { return label(row); });
      return;
    }
    classify(rows.size(), theta_.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      targets_[i] = argmax(logits_.data() + i * width_);
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

  /// Lower triangle of Theta Theta^T, once per batch.
  void prepare_recurrence(std::size_t batch) {
    if (form_ == Recurrence::gram) {
      blas::syrk_lower<T>(batch, width_, 1, theta_.data(), width_, gram_.data(), batch);
    }
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

  RowReader<Stored> reader_;
  std::vector<Wide> shift_;  // (D)
  std::vector<Wide> scale_;  // (D)
  const ItmPlan& plan_;
  std::size_t steps_;
  double eta_;
  std::size_t dims_;
  std::size_t classes_;  // C
  std::size_t width_;    // C padded
  Recurrence form_;
  std::vector<T> centres_;  // (C, C)
  bool onehot_;
  Parameters<T> parameters_;
  PageVector<T> x_;                   // (B, D)
  PageVector<T> theta_;               // (B, C)
  std::vector<T> inverse_norm_;       // (B)
  PageVector<T> evolved_;             // (B, C): R, then E_n
  PageVector<T> logits_;              // (B, C)
  PageVector<T> work_;                // (B, C); gram form only
  PageVector<T> gram_;                // (B, B), lower triangle; gram form only
  PageVector<T> inner_;               // (C, C) Theta^T R; factored form only
  std::vector<std::size_t> targets_;  // (B) class whose centre a row is pulled to
};

}  // namespace itm
