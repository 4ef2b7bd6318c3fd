// LogME: the log evidence of a Bayesian linear model of each class, maximised over its two precisions (You et al.,
// "Ranking and Tuning Pre-trained Models", 2021, Algorithm 3; thuml/LogME, _fit_fixed_point).

#include "estimators/logme.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "estimators/registry.hpp"

namespace itm {
namespace {

/// What is to be predicted: one-hot classes (T = C), labels, or numbers.
class Predicted {
 public:
  explicit Predicted(const ModelInput& input) : device_(input.device()), given_(input.kind() != TargetKind::classes) {
    if (given_) {
      values_ = input.targets();
      const Matrix squares = device_.matrix(1, values_.cols());
      device_.add_column_squares(values_, squares);
      energy_ = device_.read(squares);
    } else {
      classes_ = &input.class_rows();
      energy_ = input.class_sizes();
    }
  }

  [[nodiscard]] std::size_t count() const { return energy_.size(); }  // T
  /// |y_t|^2.
  [[nodiscard]] const std::vector<double>& energy() const { return energy_; }
  /// moments (T x D) += Y^T X over the rows first, first + 1, ...
  void add_moments(ConstView x, std::size_t first, View moments) const {
    if (given_) {
      device_.multiply(1, values_.rows(first, x.rows()), Op::transpose, x, Op::none, 1, moments);
    } else {
      device_.add_class_sums(x, classes_->rows(first, x.rows()), moments);
    }
  }

 private:
  Device& device_;
  bool given_;  ///< numbers of the person, not classes
  Matrix values_;
  const Classes* classes_ = nullptr;
  std::vector<double> energy_;
};

/// The features' squared singular values and every target seen from their left singular vectors.
struct Spectrum {
  std::vector<double> sigma;                ///< k
  std::vector<std::vector<double>> square;  ///< T x k: <u_j, y_t>^2
};

/// N > D: from the eigenvectors V of X^T X, u_j = X v_j / s_j. Directions with s_j up to 1e-10 are dropped, as
/// published.
Spectrum spectrum_of_columns(const ModelInput& input, const Predicted& targets) {
  constexpr double smallest = 1e-10;
  Device& device = input.device();
  const std::size_t dims = input.dims();
  const Matrix gram = device.matrix(dims, dims);
  const Matrix moments = device.matrix(targets.count(), dims);
  input.for_each_block([&](View x, std::size_t first) {
    device.add_gram(1, x, gram);
    targets.add_moments(x, first, moments);
  });
  const Matrix eigenvalues = device.matrix(1, dims);
  device.symmetric_eigen(gram, eigenvalues);
  const Matrix seen = device.matrix(targets.count(), dims);  // Y^T X V
  device.multiply(1, moments, Op::none, gram, Op::transpose, 0, seen);

  Spectrum spectrum;
  spectrum.square.resize(targets.count());
  const auto read = device.read({eigenvalues, seen});
  const std::vector<double>& values = read[0];
  const std::vector<double>& y = read[1];
  for (std::size_t j = 0; j < dims; ++j) {
    const double sigma = std::abs(values[j]);  // rounding may have made a zero negative
    if (std::sqrt(sigma) <= smallest) {
      continue;
    }
    spectrum.sigma.push_back(sigma);
    for (std::size_t t = 0; t < targets.count(); ++t) {
      spectrum.square[t].push_back(y[t * dims + j] * y[t * dims + j] / sigma);
    }
  }
  return spectrum;
}

/// Rows that are all equal to v span one direction: u = 1 / sqrt(N), sigma = N |v|^2. An eigensolver would answer with
/// the rounding of D - 1 zeros, some of them counted as directions.
Spectrum spectrum_of_constant(const ModelInput& input, const Predicted& targets) {
  Device& device = input.device();
  const auto n = static_cast<double>(input.rows());
  const std::uint32_t first_row = 0;
  const Matrix length = device.matrix(1, 1);
  device.row_squares(input.features(std::span(&first_row, 1)), length);
  const Matrix ones = device.matrix(input.rows(), 1);
  device.fill(ones, 1);
  const Matrix sums = device.matrix(targets.count(), 1);
  targets.add_moments(ones, 0, sums);

  const auto read = device.read({length, sums});
  const double sigma = n * read[0].front();
  Spectrum spectrum;
  spectrum.square.resize(targets.count());
  if (sigma > 0) {
    spectrum.sigma.push_back(sigma);
    const std::vector<double>& y = read[1];
    for (std::size_t t = 0; t < targets.count(); ++t) {
      spectrum.square[t].push_back(y[t] * y[t] / n);
    }
    if (!input.exact()) {
      // The published SVD of this rank-one Gram matrix leaves a second singular value just above its cut.
      spectrum.sigma.push_back(0);
      for (std::vector<double>& square : spectrum.square) {
        square.push_back(0);
      }
    }
  }
  return spectrum;
}

/// N <= D: the eigenvectors of X X^T are the left singular vectors.
Spectrum spectrum_of_rows(const ModelInput& input, const Predicted& targets) {
  Device& device = input.device();
  const std::size_t n = input.rows();
  const Matrix x = input.features();
  const Matrix gram = device.matrix(n, n);
  device.multiply(1, x, Op::none, x, Op::transpose, 0, gram);
  const Matrix eigenvalues = device.matrix(1, n);
  device.symmetric_eigen(gram, eigenvalues);
  const Matrix left = device.matrix(n, n);
  device.transpose(gram, left);
  const Matrix seen = device.matrix(targets.count(), n);  // Y^T U
  targets.add_moments(left, 0, seen);

  auto read = device.read({eigenvalues, seen});
  Spectrum spectrum{std::move(read[0]), {}};
  for (double& sigma : spectrum.sigma) {
    sigma = std::max(sigma, 0.0);
  }
  for (std::size_t t = 0; t < targets.count(); ++t) {
    const auto first = read[1].begin() + static_cast<std::ptrdiff_t>(t * n);
    spectrum.square.emplace_back(first, first + static_cast<std::ptrdiff_t>(n));
    for (double& value : spectrum.square.back()) {
      value *= value;
    }
  }
  return spectrum;
}

struct Evidence {
  double alpha = 1;  ///< precision of the weights
  double beta = 1;   ///< precision of the noise
  double value = 0;  ///< log evidence / N
};

/// The fixed-point iteration for one target: at most 11 steps, until alpha / beta moves by less than 0.1 %.
/// `weights` is the number of weights in the prior: D as published; with D > N the exact evidence has N of them matter.
Evidence maximise(const std::vector<double>& sigma, const std::vector<double>& square, double energy, double n,
                  double weights) {
  double outside = energy;  // |y|^2 outside the span of the features
  for (const double value : square) {
    outside -= value;
  }
  Evidence e;
  double m2 = 0;    // |m|^2
  double res2 = 0;  // |y - X m|^2
  for (int step = 0; step < 11; ++step) {
    const double t = e.alpha / e.beta;
    double gamma = 0;
    m2 = 0;
    res2 = outside;
    for (std::size_t j = 0; j < sigma.size(); ++j) {
      const double shrink = 1 / (sigma[j] + t);
      gamma += sigma[j] * shrink;
      m2 += sigma[j] * square[j] * shrink * shrink;
      res2 += square[j] * (t * shrink) * (t * shrink);
    }
    if (gamma == 0) {
      break;  // features that are all zero
    }
    e.alpha = gamma / (m2 + 1e-5);
    e.beta = (n - gamma) / (res2 + 1e-5);
    if (std::abs(e.alpha / e.beta - t) / t <= 1e-3) {
      break;
    }
  }
  double log_determinant = 0;
  for (const double s : sigma) {
    log_determinant += std::log(e.alpha + e.beta * s);
  }
  e.value = (weights / 2 * std::log(e.alpha) + n / 2 * std::log(e.beta) - log_determinant / 2 - e.beta / 2 * res2 -
             e.alpha / 2 * m2 - n / 2 * std::log(2 * std::numbers::pi)) /
            n;
  return e;
}

}  // namespace

Scored logme(const ModelInput& input) {
  const Predicted targets(input);
  const Spectrum spectrum = input.has_constant_rows()      ? spectrum_of_constant(input, targets)
                            : input.dims() >= input.rows() ? spectrum_of_rows(input, targets)
                                                           : spectrum_of_columns(input, targets);
  // With D > N the published code leaves the D - N zero singular values out of the determinant but not out of the
  // prior: D / 2 log(alpha) stands against N terms.
  const double weights = static_cast<double>(input.exact() ? spectrum.sigma.size() : input.dims());

  Scored scored;
  std::vector<double> alpha;
  std::vector<double> beta;
  for (std::size_t t = 0; t < targets.count(); ++t) {
    const Evidence e =
        maximise(spectrum.sigma, spectrum.square[t], targets.energy()[t], static_cast<double>(input.rows()), weights);
    scored.score += e.value / static_cast<double>(targets.count());
    alpha.push_back(e.alpha);
    beta.push_back(e.beta);
  }
  const std::string name = input.kind() == TargetKind::numbers ? "logme_regression" : "logme";
  scored.details[name + "_alpha"] = alpha;
  scored.details[name + "_beta"] = beta;
  scored.details["logme_rank_kept"] = spectrum.sigma.size();
  if (!input.exact() && input.dims() > input.rows()) {
    scored.note =
        "with more columns than rows the published evidence is too high by (D - N) / 2N mean log(alpha); --variant "
        "exact "
        "corrects it and can rank differently";
  }
  return scored;
}

Estimator logme_estimator() {
  return model_estimator({.name = "logme",
                          .description = "log evidence of a Bayesian linear model of the labels or targets",
                          .citation = "You et al., Ranking and Tuning Pre-trained Models, JMLR 2022",
                          .inputs = {.regression = true, .multi_label = true}},
                         logme);
}

}  // namespace itm
