#pragma once
// Implicit Transferability Modeling (the paper, section 3; spec section 2) for one model: options, the plan that all
// models of a data set share, and the run itself. Symbols are the paper's: N rows, D columns, C classes, B batch size,
// psi, Theta, C_j, eta, dis.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "itm/arithmetic.hpp"
#include "itm/array.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// How features are shifted and scaled: not at all, every column by itself, or all by one mean and deviation.
enum class Standardise : std::uint8_t { none, dim, global };
/// Pseudo-cluster centres: unit vectors, random ones of length 1, singular vectors of a Gaussian matrix, or
/// eigenvectors of the Laplacian of a graph (docs/itm.md).
enum class CentreKind : std::uint8_t { onehot, random, pca, laplacian };
/// The form of eq. 7: powers of the batch's B x B matrix, or its C-column factors; automatic takes the cheaper.
enum class Recurrence : std::uint8_t { automatic, gram, factored };
/// What validation rows are evolved towards: the centres of their labels, or of what the head predicts.
enum class ValidationTargets : std::uint8_t { labels, predicted };

/// Every knob of spec section 2; the defaults are the paper's.
struct ItmOptions {
  std::size_t batch_size = 256;                   ///< B; cut to the number of training rows
  std::size_t iterations = 500;                   ///< updates
  std::size_t validate_every = 100;               ///< updates between two walks over the validation rows
  std::size_t steps = 1;                          ///< n of eq. 7
  double eta = 0.5;                               ///< eta_b of eq. 12
  bool adaptive = true;                           ///< eq. 12; off: every model gets eta_b
  std::optional<double> dispersion_base;          ///< dis_b; absent: mean over the zoo being ranked
  bool dispersion_per_sqrt_dim = false;           ///< compare dis / sqrt(D) instead of dis
  double pull_weight = 0;                         ///< lambda of lambda * MSE(Theta, Y)
  Standardise standardise = Standardise::dim;     ///< of features
  CentreKind centres = CentreKind::onehot;        ///< pseudo-clusters that the evolution pulls to
  Recurrence recurrence = Recurrence::automatic;  ///< its form
  ValidationTargets validation_targets = ValidationTargets::labels;  ///< what the validation loss is taken to
  Precision precision = Precision::float32;                          ///< of the training
  double learning_rate = 5e-3;                                       ///< of AdamW, at the first update
  double weight_decay = 1e-2;                                        ///< of AdamW, on weights and biases
  std::uint64_t seed = 0;                                            ///< of every draw
  /// Throws InputError naming the option, its value and its range.
  void validate() const;
};

/// Column statistics of one feature matrix, float64 whatever the engine's precision.
struct FeatureStatistics {
  std::vector<double> shift;         ///< D, subtracted from a row
  std::vector<double> scale;         ///< D, then multiplied: 1 / max(deviation, 1e-6)
  double dispersion = 0;             ///< dis (paper A.3): mean distance of a standardised row to its class mean
  double feature_mean = 0;           ///< mean over columns of the column means (paper Fig. 6)
  double feature_variance = 0;       ///< mean over columns of the column variances (paper Fig. 6)
  std::size_t constant_columns = 0;  ///< columns without variance
};

/// One pass for mean and deviation, one for the dispersion; both stream the file. The dispersion is measured in the
/// space that `standardise` gives; for `none` in the `dim` space, because eq. 12 is defined on standardised features.
/// `rows` maps row -> row of the array (empty: identity). Throws InputError at a NaN or infinity, naming row and count.
[[nodiscard]] FeatureStatistics measure_features(const Array& feature, const Labels& labels, Standardise standardise,
                                                 std::span<const std::uint32_t> rows = {});

/// Rows that hold a NaN or an infinity, ascending.
[[nodiscard]] std::vector<std::uint32_t> find_bad_rows(const Array& feature);

/// eq. 12, clamped to [0, 1].
[[nodiscard]] double adaptive_rate(double eta_base, double dispersion_base, double dispersion);

/// What every model of a data set shares: split, batch stream, labels and centres. Row numbers are 0..N-1.
struct ItmPlan {
  Labels labels;                          ///< of all rows
  std::vector<std::uint32_t> train;       ///< 4/5 of the rows, or those of a split of the person's
  std::vector<std::uint32_t> validation;  ///< the others
  std::vector<std::uint32_t> batches;     ///< iterations x B row numbers, row-major
  std::size_t batch = 0;                  ///< B
  std::size_t iterations = 0;             ///< as many as `batches` has
  std::vector<double> centres;            ///< C x C, row c = centre of class c
};

/// The seeded plan of spec 2, steps 4, 5 and 11: a function of (seed, N, labels, options) only, never of the model.
/// `held_out`: for every row, 1 where it is for validation; empty: a fifth of the rows is drawn. Who gives the rows
/// that would be drawn gets the same plan.
[[nodiscard]] ItmPlan make_plan(const Labels& labels, const ItmOptions& options,
                                std::span<const std::uint8_t> held_out = {});

/// Pseudo-cluster centres, C x C row-major.
[[nodiscard]] std::vector<double> make_centres(CentreKind kind, std::size_t classes, std::uint64_t seed);

/// psi and h, float64 on the outside so that every precision starts from the same numbers.
struct ItmParameters {
  std::vector<double> psi_w;   ///< C x D
  std::vector<double> psi_b;   ///< C
  std::vector<double> head_w;  ///< C x C
  std::vector<double> head_b;  ///< C
};

/// Uniform in +-1/sqrt(fan-in) from Philox; an entry's draw is a function of seed, parameter, row and column alone, so
/// that models share their random numbers: differences between them lose variance, and a name changes nothing.
[[nodiscard]] ItmParameters initial_parameters(std::size_t dims, std::size_t classes, std::uint64_t seed);

/// One point of the validation curve.
struct Checkpoint {
  std::size_t iteration = 0;  ///< 1-based: after this many updates
  double accuracy = 0;        ///< in [0, 1]
  double loss = 0;            ///< cross-entropy, mean over validation rows
};

/// The order of scores (spec 2, step 10): higher accuracy first, then lower loss.
[[nodiscard]] inline bool is_better(const Checkpoint& a, const Checkpoint& b) {
  return a.accuracy != b.accuracy ? a.accuracy > b.accuracy : a.loss < b.loss;
}

/// What one ITM run returns.
struct ItmResult {
  std::vector<Checkpoint> curve;                  ///< one point every `validate_every` updates
  Checkpoint best;                                ///< highest accuracy, then lowest loss
  Recurrence recurrence = Recurrence::automatic;  ///< the form that was used
};

/// Intermediates of one training iteration, for replay, verify and tests. All row-major.
struct IterationSnapshot {
  std::size_t iteration = 0;       ///< 1-based
  std::vector<double> latent;      ///< Theta, B x C
  std::vector<double> recurrence;  ///< C_j, B x B (built on request even in factored form)
  std::vector<double> evolved;     ///< E_n, B x C
  std::vector<double> logits;      ///< B x C
  ItmParameters gradient;          ///< of the loss
};

/// What an observer may ask of a run. Losses are recorded only on request.
struct ItmObserver {
  std::vector<double>* losses = nullptr;             ///< one per iteration
  std::optional<std::size_t> snapshot_iteration;     ///< 1-based
  IterationSnapshot* snapshot = nullptr;             ///< where it goes; null: nowhere
  std::vector<std::size_t> parameter_iterations;     ///< 1-based; parameters after these updates
  std::vector<ItmParameters>* parameters = nullptr;  ///< as many, in the order reached
  ItmParameters* final_parameters = nullptr;         ///< after the last update; null: not wanted
  std::function<bool()> cancelled;                   ///< polled once per iteration; true throws Interrupted
};

/// Trains psi and h on one model's features and walks the validation rows (spec 2, steps 6-10).
/// `feature` is N x D (see Array); `rows` maps plan rows to array rows (empty: identity). float64 runs in double,
/// float32 in float; tf32 and tf32x3 exist on a GPU only and throw InputError here. Single-threaded and bit-identical
/// from run to run.
[[nodiscard]] ItmResult run_itm(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                                const ItmOptions& options, double eta, const ItmParameters& initial,
                                std::span<const std::uint32_t> rows = {}, const ItmObserver& observer = {});

}  // namespace itm
