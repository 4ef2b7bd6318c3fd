// H-score (Bao et al., "An Information-Theoretic Approach to Transferability", ICIP 2019; dbolya/parc,
// methods.HScore): tr(cov(f)^+ cov(E[f|y])) of the standardised features, and its shrunk form (Ibrahim et al., "Newer
// is Not Always Better", 2022) with the Ledoit-Wolf covariance.

#include <algorithm>
#include <cmath>
#include <limits>

#include "estimators/registry.hpp"
#include "numerics/columns.hpp"
#include "numerics/lda.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

double squared_norm(Device& device, ConstView x) {
  const Matrix squares = device.matrix(1, x.rows());
  device.row_squares(x, squares);
  return device.sum(squares);
}

/// The standardised features' second moments.
struct Moments {
  Matrix covariance;         ///< D x D, divided by N; both triangles
  Matrix inverse_deviation;  ///< 1 x D
};

Moments moments(const ModelInput& input, ConstView centre) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  Moments m{device.matrix(dims, dims), device.matrix(1, dims)};
  input.for_each_centred_block(centre, [&](View x, std::size_t) { device.add_gram(1, x, m.covariance); });
  device.scale(1 / static_cast<double>(input.rows()), m.covariance);
  device.symmetrise(m.covariance);
  const Matrix variance = device.matrix(1, dims);
  device.diagonal(m.covariance, variance);
  device.inverse_deviations(centre, variance, rounding_of_mean(input.rows()), m.inverse_deviation);
  device.scale_columns(m.inverse_deviation, m.covariance);
  device.scale_rows(m.inverse_deviation, m.covariance);
  return m;
}

/// Ledoit and Wolf's shrinkage of the covariance towards mu I, mu = trace / D: the share that minimises the expected
/// squared error.
double ledoit_wolf_shrinkage(const ModelInput& input, ConstView centre, const Moments& m, double mu) {
  Device& device = input.device();
  const auto n = static_cast<double>(input.rows());
  const auto dims = static_cast<double>(input.dims());
  double fourth = 0;  // mean |x|^4
  const Matrix squares = device.matrix(1, input.rows());
  input.for_each_centred_block(centre, [&](View x, std::size_t first) {
    device.scale_columns(m.inverse_deviation, x);
    device.row_squares(x, squares.columns(first, x.rows()));
  });
  for (const double square : device.read(squares)) {
    fourth += square * square / n;
  }
  const double frobenius = squared_norm(device, m.covariance);
  const double delta = frobenius - dims * mu * mu;  // |S - mu I|^2
  const double beta = (fourth - frobenius) / n;
  return delta > 0 ? std::clamp(beta / delta, 0.0, 1.0) : 1.0;
}

/// sum_c m_c^T S^+ m_c over the rows m_c, which are overwritten. Directions whose eigenvalue is rounding are left out;
/// the published pinv cuts at 1e-15 of the largest, which keeps some of them.
double explained(Device& device, ConstView covariance, View means) {
  const std::size_t dims = covariance.rows();
  const Matrix factor = device.copy_of(covariance);
  if (device.cholesky(factor)) {
    const Matrix diagonal = device.matrix(1, dims);
    device.diagonal(factor, diagonal);
    const std::vector<double> pivots = device.read(diagonal);
    const auto [least, most] = std::minmax_element(pivots.begin(), pivots.end());
    if (*least > 1e-5 * *most) {
      device.whiten_rows(factor, means);
      return squared_norm(device, means);
    }
  }
  const Matrix values = device.matrix(1, dims);
  device.copy(covariance, factor);
  device.symmetric_eigen(factor, values);
  const Matrix seen = device.matrix(means.rows(), dims);
  device.multiply(1, means, Op::none, factor, Op::transpose, 0, seen);
  const Matrix energy = device.matrix(1, dims);
  device.add_column_squares(seen, energy);
  const auto read = device.read({values, energy});
  const std::vector<double>& lambda = read[0];
  const std::vector<double>& square = read[1];
  const double smallest = static_cast<double>(dims) * std::numeric_limits<double>::epsilon() * lambda.back();
  double total = 0;
  for (std::size_t d = 0; d < dims; ++d) {
    total += lambda[d] > smallest ? square[d] / lambda[d] : 0;
  }
  return total;
}

/// A row for each label whose outer product is n cov(E[f|label]): sqrt(n_1 n_0 / n) times the difference of the
/// means with and without it, which is Y^T X over sqrt(n_1 n_0 / n) with both about their means.
Matrix label_rows(const ModelInput& input, ConstView centre) {
  Device& device = input.device();
  const auto n = static_cast<double>(input.rows());
  const std::size_t labels = input.target_count();
  const Matrix y = input.targets();
  const Matrix sums = device.matrix(1, labels);
  device.add_column_sums(y, sums);
  std::vector<double> with = device.read(sums);
  std::vector<double> weight;
  for (double& count : with) {
    const double spread = std::sqrt(count * (n - count) / n);
    weight.push_back(spread > 0 ? 1 / spread : 0);
    count /= n;
  }
  device.add_to_rows(-1, device.matrix_of(with, 1, labels), y);
  Matrix differences = device.matrix(labels, input.dims());
  input.for_each_centred_block(centre, [&](View x, std::size_t first) {
    device.multiply(1, y.rows(first, x.rows()), Op::transpose, x, Op::none, 1, differences);
  });
  device.scale_rows(device.matrix_of(weight, 1, labels), differences);
  return differences;
}

/// Rows whose outer products add up to n cov(E[f|y]), y the class.
Matrix class_rows(const ModelInput& input, const ClassMeans& means) {
  Device& device = input.device();
  // sqrt(n_c) times the class mean. The published code divides class sums by n_c + 1e-8.
  std::vector<double> weight;
  for (const double size : means.sizes) {
    weight.push_back(std::sqrt(size) * size / (size + 1e-8));
  }
  Matrix weighted = device.copy_of(means.means);
  device.scale_rows(device.matrix_of(weight, 1, weight.size()), weighted);
  return weighted;
}

Scored score_hscore(const ModelInput& input) {
  Device& device = input.device();
  const auto n = static_cast<double>(input.rows());
  // A label is a variable of two values: the H-score of each, and their mean.
  const bool by_label = input.kind() == TargetKind::labels;
  const ClassMeans means = by_label ? ClassMeans{} : class_means(input);
  const Matrix centre = by_label ? input.column_means() : means.overall;
  const Moments m = moments(input, centre);
  const Matrix weighted = by_label ? label_rows(input, centre) : class_rows(input, means);
  device.scale_columns(m.inverse_deviation, weighted);

  Scored scored;
  const Matrix variances = device.matrix(1, input.dims());
  device.diagonal(m.covariance, variances);
  const double mu = device.sum(variances) / static_cast<double>(input.dims());
  double kept = 1;
  if (input.word("covariance") == "ledoit-wolf" && mu > 0) {
    const double shrinkage = ledoit_wolf_shrinkage(input, centre, m, mu);
    kept = 1 - shrinkage;
    device.scale(kept, m.covariance);
    device.add_to_diagonal(shrinkage * mu, m.covariance);
    scored.details["hscore_shrinkage"] = shrinkage;
  }
  if (input.dims() >= input.rows() && kept == 1) {
    scored.note = by_label
                      ? "with as many columns as rows the plain H-score of labels is 1, whatever the features: the "
                        "order is rounding; pass --hscore-covariance ledoit-wolf"
                      : "with as many columns as rows the plain H-score is the number of classes less one, whatever "
                        "the features: the order is rounding; pass --hscore-covariance ledoit-wolf";
  }
  const double terms = by_label ? static_cast<double>(input.target_count()) : 1;
  scored.score = mu > 0 ? kept * explained(device, m.covariance, weighted) / (n * terms) : 0;
  return scored;
}

}  // namespace

Estimator hscore_estimator() {
  return model_estimator(
      {.name = "hscore",
       .description = "how much of the features' variance the class means explain, whitened",
       .citation =
           "Bao et al., An Information-Theoretic Approach to Transferability in Task Transfer Learning, ICIP 2019",
       .inputs = {.multi_label = true},
       .float32 = false,
       .settings = {{.name = "covariance",
                     .standard = std::string("plain"),
                     .help = "Covariance of the features",
                     .words = {"plain", "ledoit-wolf"}}}},
      score_hscore);
}

}  // namespace itm
