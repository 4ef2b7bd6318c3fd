// PACTran (Ding et al., "PACTran: PAC-Bayesian Metrics for Estimating the Transferability of Pretrained Models to
// Classification Tasks", ECCV 2022; google-research/pactran_metrics, compute_metrics.py): PAC-Bayes bounds on the loss
// of a classifier on frozen features (Gauss) or on the source head's classes (Dirichlet). The bounds are negated:
// larger is better.
//
// The published Gauss bound is taken where L-BFGS-B stops, which is before the optimum and depends on its random start;
// to give its number, its steps are followed.

#include <cmath>
#include <numeric>

#include "core/numpy_random.hpp"
#include "estimators/registry.hpp"
#include "numerics/gamma_function.hpp"
#include "numerics/linear_classifier.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

/// Features about their mean and a column of ones, [N, D + 1].
Matrix centred_rows(const ModelInput& input) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  Matrix x = device.scratch(input.rows(), dims + 1);
  input.for_each_centred_block(input.column_means(), [&](View block, std::size_t first) {
    device.copy(block, x.rows(first, block.rows()).columns(0, dims));
  });
  device.fill(x.columns(dims, 1), 1);
  return x;
}

/// The published start: weights [D, C] of 0.03 times numpy's Gaussians, intercepts of 0; here [C, D + 1].
std::vector<double> random_weights(std::uint64_t seed, std::size_t dims, std::size_t classes) {
  constexpr double deviation = 0.03;
  NumpyRandom random(static_cast<std::uint32_t>(seed ^ (seed >> 32U)));
  std::vector<double> weights(classes * (dims + 1));
  for (std::size_t d = 0; d < dims; ++d) {
    for (std::size_t c = 0; c < classes; ++c) {
      weights[c * (dims + 1) + d] = deviation * random.normal();
    }
  }
  return weights;
}

/// sum_i |x_i|^2 sum_c p_ic (1 - p_ic): the trace of the loss's Hessian, with every class's own probabilities alone.
double curvature(const ModelInput& input, ConstView x, ConstView weights) {
  Device& device = input.device();
  const Matrix squares = device.scratch(1, x.rows());
  device.row_squares(x, squares);
  const Matrix concentration = device.scratch(1, x.rows());  // sum_c p_ic^2
  for_each_logits(device, x, {0, x.rows()}, weights, [&](View z, std::size_t first) {
    input.check_cancelled();
    device.softmax_rows(z);
    device.row_squares(z, concentration.columns(first, z.rows()));
  });
  const auto read = device.read({squares, concentration});
  const std::vector<double>& square = read[0];
  const std::vector<double>& share = read[1];
  double total = 0;
  for (std::size_t i = 0; i < square.size(); ++i) {
    total += square[i] * (1 - share[i]);
  }
  return total;
}

Scored score_gauss(const ModelInput& input) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  const auto n = static_cast<double>(input.rows());
  const double parameters = static_cast<double>(dims) * static_cast<double>(input.classes());  // without intercepts
  const double prior = input.number("prior") * n;  // of a weight, times the noise
  const Matrix x = centred_rows(input);
  LinearClassifier made{
      device.matrix_of(random_weights(input.seed(), dims, input.classes()), input.classes(), dims + 1), {}};
  const RowRange all[] = {{0, input.rows()}};
  constexpr double published_tolerance = 1e-6;
  fit_linear_classifier(
      device, x, input.class_rows(), all, 1 / input.number("prior"),
      {.iterations = 100,
       .tolerance = 0,
       .search = LineSearch::more_thuente,
       .least_decrease = published_tolerance,
       .steepest = published_tolerance},
      [&] { input.check_cancelled(); }, made);

  constexpr double nothing = 1e-10;  // published, against logarithms of zero
  const double hessian = curvature(input, x, made.weights) + parameters / prior;
  const double inverse_variance = hessian * prior / parameters + nothing;
  const double spread = input.number("spread") * input.number("prior") / static_cast<double>(dims);
  const double flatness = parameters / prior * spread / 2 * std::log(inverse_variance);
  Scored scored;
  scored.score = -(made.fit.value + nothing + flatness);
  scored.details["pactran_optimum"] = made.fit.value + nothing;
  scored.details["pactran_flatness"] = flatness;
  scored.details["pactran_iterations"] = made.fit.iterations;
  return scored;
}

/// The variational posterior of the Dirichlet bound: source classes z of every row, and of every class the weights of
/// each z.
class SourceClasses {
 public:
  explicit SourceClasses(const ModelInput& input)
      : input_(input),
        device_(input.device()),
        own_(input.class_sizes()),
        counts_(device_.matrix(input.classes(), input.source_classes())),
        evidence_(device_.scratch(1, 2)),
        shift_(device_.matrix(input.classes(), input.source_classes())) {
    const double total = input.number("alpha");
    for (double& size : own_) {
      size = total * size / static_cast<double>(input.rows()) + 1e-10;
    }
  }

  /// The bound after ten rounds, as published, per row and class.
  double bound() {
    constexpr int rounds = 10;
    for (int round = 0; round < rounds; ++round) {
      update_weights();
      assign();
    }
    // sum_iz q_iz (log q_iz - log s_iz) = sum_iz q_iz t_yz - sum_i log sum_z s_iz e^t_yz.
    const auto read = device_.read({counts_, evidence_});
    const std::vector<double>& count = read[0];
    double divergence = read[1][0] - read[1][1];
    for (std::size_t j = 0; j < count.size(); ++j) {
      divergence += count[j] > 0 ? count[j] * shifts_[j] : 0;
    }
    const double a_priori =
        log_gamma(std::accumulate(own_.begin(), own_.end(), 0.0)) -
        std::accumulate(own_.begin(), own_.end(), 0.0, [](double sum, double a) { return sum + log_gamma(a); });
    double total = -divergence;
    for (std::size_t z = 0; z < input_.source_classes(); ++z) {
      double sum = 0;
      double logs = 0;
      for (std::size_t c = 0; c < own_.size(); ++c) {
        const double a = weights_[c * input_.source_classes() + z];
        sum += a;
        logs += log_gamma(a);
      }
      total += a_priori - (log_gamma(sum) - logs);
    }
    return -total / (static_cast<double>(input_.rows()) * static_cast<double>(input_.classes()));
  }

 private:
  /// a_cz = a0_c + sum of q_iz over class c; t_cz = psi(a_cz) - psi(sum_c a_cz).
  void update_weights() {
    if (weights_.empty()) {
      input_.for_each_output_block([&](View p, std::size_t first) {
        device_.softmax_rows(p);
        device_.add_class_sums(p, input_.class_rows().rows(first, p.rows()), counts_);
      });
    }
    const std::size_t sources = input_.source_classes();
    weights_ = device_.read(counts_);
    shifts_.resize(weights_.size());
    for (std::size_t z = 0; z < sources; ++z) {
      double sum = 0;
      for (std::size_t c = 0; c < own_.size(); ++c) {
        weights_[c * sources + z] += own_[c];
        sum += weights_[c * sources + z];
      }
      const double all = digamma(sum);
      for (std::size_t c = 0; c < own_.size(); ++c) {
        shifts_[c * sources + z] = digamma(weights_[c * sources + z]) - all;
      }
    }
    device_.upload(shifts_, shift_);
  }

  /// q_i = soft-max of log s_i + t_y; its class sums, and sum_i log sum_z s_iz e^t_yz.
  void assign() {
    device_.fill(counts_, 0);
    device_.fill(evidence_, 0);
    Matrix numbers;
    input_.for_each_output_block([&](View p, std::size_t first) {
      if (numbers.cols() < p.rows()) {
        numbers = device_.scratch(2, p.rows());
      }
      const ClassRows mine = input_.class_rows().rows(first, p.rows());
      const View before = numbers.row(0).columns(0, p.rows());
      const View after = numbers.row(1).columns(0, p.rows());
      device_.log_sum_exp_rows(p, before);
      device_.add_indexed_rows(1, shift_, mine.labels(), p);
      device_.log_sum_exp_rows(p, after);
      device_.add_sum(before, evidence_.columns(0, 1));
      device_.add_sum(after, evidence_.columns(1, 1));
      device_.softmax_rows(p);
      device_.add_class_sums(p, mine, counts_);
    });
  }

  const ModelInput& input_;
  Device& device_;
  std::vector<double> own_;  ///< C: the prior's weights
  Matrix counts_;            ///< C x S: sums of q
  Matrix evidence_;          ///< sum_i log sum_z s_iz, and the same with e^t_yz
  Matrix shift_;             ///< C x S: t
  std::vector<double> weights_;
  std::vector<double> shifts_;
};

Scored score_dirichlet(const ModelInput& input) {
  Scored scored;
  scored.score = -SourceClasses(input).bound();
  scored.details["source_classes"] = input.source_classes();
  return scored;
}

/// About a hundred products each way.
Cost gauss_cost(const Workload& work, const RankOptions&) {
  return {100 * (5e-11 * work.dims + 5e-9) * work.rows * work.classes, work.bytes + 8 * work.rows * work.dims};
}

/// Eleven passes with soft-maxes over a thousand source classes.
Cost dirichlet_cost(const Workload& work, const RankOptions&) {
  return {1e-4 * work.rows + 1e-3 * work.classes, 4000 * work.rows};
}

constexpr const char* citation =
    "Ding et al., PACTran: PAC-Bayesian Metrics for Estimating the Transferability of Pretrained Models to "
    "Classification "
    "Tasks, ECCV 2022";

}  // namespace

Estimator pactran_estimator() {
  return model_estimator(
      {.name = "pactran",
       .description = "PAC-Bayes bound of a linear classifier: its loss, and how flat the loss is around it",
       .citation = citation,
       .seeded = true,
       .float32 = false,
       .settings = {{.name = "prior",
                     .standard = 1.0,
                     .help = "Variance of the prior of a weight (the published lda_factor: 0.1, 1, 10)",
                     .above_low = true},
                    {.name = "spread",
                     .standard = 10.0,
                     .help =
                         "Weight of the flatness, D times the posterior's variance over the prior's (published: 100 "
                         "and 10)"}},
       .cost = gauss_cost},
      score_gauss);
}

Estimator pactran_dirichlet_estimator() {
  return model_estimator({.name = "pactran_dirichlet",
                          .description = "PAC-Bayes bound of a translation from the source head's classes",
                          .citation = citation,
                          .inputs = {.features = false, .output = true},
                          .float32 = false,
                          .settings = {{.name = "alpha",
                                        .standard = 1.0,
                                        .help = "Strength of the Dirichlet prior, in rows (published: 1 and 10)",
                                        .above_low = true}},
                          .cost = dirichlet_cost},
                         score_dirichlet);
}

}  // namespace itm
