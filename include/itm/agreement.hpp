#pragma once
// How well scores agree with fine-tuned accuracies (spec 4; paper eq. 1).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace itm {

/// Ranks with 1 = largest value; tied values take the average of the ranks they span.
[[nodiscard]] std::vector<double> average_ranks_descending(std::span<const double> values);

// Every correlation below is undefined (nullopt) for fewer than two models; all but eq. 1, which is then 0, also for a
// constant vector. Values are finite; spans of different lengths throw std::invalid_argument.

/// Paper eq. 1 with average ranks and sign(0) = 0: tied pairs count in the denominator only.
[[nodiscard]] std::optional<double> weighted_tau(std::span<const double> score, std::span<const double> truth);
/// scipy.stats.weightedtau(score, truth) with its defaults (rank=True, additive hyperbolic weights).
[[nodiscard]] std::optional<double> weighted_tau_scipy(std::span<const double> score, std::span<const double> truth);
/// Kendall's tau-b.
[[nodiscard]] std::optional<double> kendall_tau_b(std::span<const double> score, std::span<const double> truth);
/// Pearson's r of average ranks.
[[nodiscard]] std::optional<double> spearman_rho(std::span<const double> score, std::span<const double> truth);
/// Pearson's r of the values.
[[nodiscard]] std::optional<double> pearson_r(std::span<const double> score, std::span<const double> truth);
/// Best true value among the k best-scored models over the best true value (score ties: expectation is not taken, the
/// pessimistic member counts, so that the figure never flatters).
[[nodiscard]] std::optional<double> rel_at_k(std::span<const double> score, std::span<const double> truth,
                                             std::size_t k);

/// Both ends included.
struct Interval {
  double low = 0;   ///< the lower end
  double high = 0;  ///< the upper end
};

/// Everything that `rank` and `correlate` report for one (data set, method).
struct Agreement {
  std::size_t models = 0;                  ///< models with both a score and a truth
  std::optional<double> tau_w;             ///< weighted_tau()
  std::optional<double> tau_w_scipy;       ///< weighted_tau_scipy()
  std::optional<double> kendall;           ///< kendall_tau_b()
  std::optional<double> spearman;          ///< spearman_rho()
  std::optional<double> pearson;           ///< pearson_r()
  std::optional<double> rel_at_1;          ///< rel_at_k() of the first
  std::optional<double> rel_at_3;          ///< rel_at_k() of the first three
  std::optional<Interval> tau_w_interval;  ///< percentile bootstrap over models, when asked for
  /// tau_w of one fixed order of the same models, their mean standardised truth on the other data sets: a score below
  /// it knows less of this data set than the past. Nothing where the truth has no other data set.
  std::optional<double> fixed_order{};
};

/// Of the interval of tau_w: resamples of the models.
struct BootstrapOptions {
  std::size_t samples = 0;   ///< 0: no interval
  double confidence = 0.95;  ///< in (0, 1)
  std::uint64_t seed = 0;    ///< of the resamples
};

/// `order` decides ranks (it may break ties of `score`, larger is better); `score` serves Pearson's r only.
[[nodiscard]] Agreement measure_agreement(std::span<const double> score, std::span<const double> order,
                                          std::span<const double> truth, const BootstrapOptions& bootstrap = {});

}  // namespace itm
