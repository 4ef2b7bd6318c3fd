// ETran (Gholami et al., "ETran: Energy-Based Transferability Estimation", ICCV 2023; mgholamikn/ETran, metrics.py and
// tw.py): 0.15 minmax(energy) + 0.85 minmax(LDA), the min-max taken over the models of the zoo.
//
// Energy is the mean log-sum-exp of the features over the rows that have least of it. The published LDA calls eigh() on
// a matrix that is not symmetric; its orthonormal eigenvectors cancel, and what is left is a nearest-mean rule without
// any whitening. That is the default; --variant exact whitens, as the paper means it.

#include <algorithm>
#include <cmath>

#include "estimators/registry.hpp"
#include "numerics/lda.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

constexpr double energy_weight = 0.15;
constexpr double lda_weight = 0.85;

/// Mean over the given percentage of rows, from the bottom or the top; at least one row (the published code divides by
/// zero below 200 rows).
double energy(const ModelInput& input) {
  Device& device = input.device();
  const Matrix energies = device.matrix(1, input.rows());
  input.for_each_block(
      [&](View x, std::size_t first) { device.log_sum_exp_rows(x, energies.columns(first, x.rows())); });
  device.sort(energies);
  // As published: the percentage in whole tenths; rows are rounded down at the bottom, up at the top.
  const auto tenths = static_cast<std::size_t>(input.number("percent") * 10);
  const bool top = input.word("tail") == "top";
  const std::size_t rows = (tenths * input.rows() + (top ? 999 : 0)) / 1000;
  const std::size_t taken = std::clamp<std::size_t>(rows, 1, input.rows());
  return device.sum(energies.columns(top ? input.rows() - taken : 0, taken)) / static_cast<double>(taken);
}

/// Mean probability of the true class.
double lda(const ModelInput& input) {
  Device& device = input.device();
  const ClassMeans means = class_means(input);
  const Discriminant rule =
      input.exact() ? fit_lda(input, means).discriminant : nearest_mean(device, means.means, means.priors);
  const Matrix probability = device.matrix(1, input.rows());
  for_each_probability(input, means, rule, [&](View p, View x, std::size_t first) {
    device.pick(p, input.class_rows().labels(first, x.rows()), probability.columns(first, x.rows()));
  });
  return device.sum(probability) / static_cast<double>(input.rows());
}

Scored score_etran(const ModelInput& input) {
  Scored scored;
  scored.details["etran_energy"] = energy(input);
  scored.details["etran_lda"] = lda(input);
  if (!input.exact()) {
    scored.note =
        "the published discriminant reduces to the nearest class mean; --variant exact whitens, as the paper means it, "
        "and can rank differently";
  }
  return scored;
}

void combine_terms(std::vector<Scored*>& models) {
  add_scaled_detail(models, "etran_energy", energy_weight);
  add_scaled_detail(models, "etran_lda", lda_weight);
}

/// Two passes, of which one has a product with the class means.
Cost cost_of_etran(const Workload& work, const RankOptions&) {
  return {work.rows * work.dims * (4e-9 + 4e-11 * work.classes), work.bytes};
}

}  // namespace

Estimator etran_estimator() {
  return model_estimator(
      {.name = "etran",
       .description = "energy of the features and a discriminant, min-max scaled over the zoo",
       .citation = "Gholami et al., ETran: Energy-Based Transferability Estimation, ICCV 2023",
       .float32 = false,
       .settings = {{.name = "percent", .standard = 0.5, .help = "Percentage of rows in the mean energy", .high = 100},
                    {.name = "tail",
                     .standard = std::string("bottom"),
                     .help = "Rows of least or of most energy",
                     .words = {"bottom", "top"}}},
       .of_company = true,
       .cost = cost_of_etran},
      score_etran, combine_terms);
}

}  // namespace itm
