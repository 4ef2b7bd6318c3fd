#include "numerics/lda.hpp"

#include <algorithm>
#include <cmath>

namespace itm {
namespace {

/// The published estimate of the largest eigenvalue: three double power-iteration steps from the row sums. 0 for a
/// matrix of zeros.
double largest_eigenvalue(Device& device, ConstView symmetric) {
  const std::size_t dims = symmetric.rows();
  const Matrix x = device.matrix(1, dims);
  const Matrix y = device.matrix(1, dims);
  const Matrix number = device.matrix(1, 1);
  const auto apply = [&](ConstView v, View to) { device.multiply(1, v, Op::none, symmetric, Op::transpose, 0, to); };
  const auto normalise = [&](View v) {
    device.row_squares(v, number);
    device.map(Map::inverse_root, number);
    device.scale_rows(number, v);
  };
  device.add_column_sums(symmetric, x);
  for (int step = 0; step < 3; ++step) {
    apply(x, y);
    normalise(y);
    apply(y, x);
    normalise(x);
  }
  const Matrix applied = device.matrix(1, dims);
  apply(y, applied);
  device.multiply(1, x, Op::none, applied, Op::transpose, 0, number);
  return device.number(number);
}

double trace(Device& device, ConstView square) {
  const Matrix diagonal = device.matrix(1, square.rows());
  device.diagonal(square, diagonal);
  return device.sum(diagonal);
}

/// intercept_c = log prior_c - <mean_c, coefficients_c> / 2
void set_intercept(Device& device, ConstView means, const std::vector<double>& priors, Discriminant& made) {
  const std::size_t classes = means.rows();
  std::vector<std::int32_t> own(classes);
  std::vector<double> log_prior(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    own[c] = static_cast<std::int32_t>(c);
    log_prior[c] = std::log(priors[c]);
  }
  device.indexed_row_dots(means, made.coefficients, device.index(own), made.intercept);
  device.scale(-0.5, made.intercept);
  device.add(1, device.matrix_of(log_prior, 1, classes), made.intercept);
}

}  // namespace

ClassMeans class_means(const ModelInput& input) {
  Device& device = input.device();
  ClassMeans result;
  result.sizes = input.class_sizes();
  result.raw = input.class_sums();

  const auto n = static_cast<double>(input.rows());
  result.overall = device.matrix(1, input.dims());
  device.add_column_sums(result.raw, result.overall);
  device.scale(1 / n, result.overall);
  std::vector<double> inverse_size;
  for (const double size : result.sizes) {
    inverse_size.push_back(size > 0 ? 1 / size : 0);
    result.priors.push_back(size / n);
  }
  device.scale_rows(device.matrix_of(inverse_size, 1, input.classes()), result.raw);

  result.means = device.copy_of(result.raw);
  device.add_to_rows(-1, result.overall, result.means);
  return result;
}

Discriminant discriminant(Device& device, ConstView means, const std::vector<double>& priors, View within,
                          double shrinkage) {
  Discriminant made{device.matrix(means.rows(), means.cols()), device.matrix(1, means.rows())};
  const double spread = trace(device, within) / static_cast<double>(within.rows());
  device.scale(1 - shrinkage, within);
  device.add_to_diagonal(shrinkage * spread, within);
  if (spread <= 0 || !device.cholesky(within)) {
    return made;
  }
  device.copy(means, made.coefficients);
  device.solve_rows(within, made.coefficients);
  set_intercept(device, means, priors, made);
  return made;
}

Discriminant nearest_mean(Device& device, ConstView means, const std::vector<double>& priors) {
  Discriminant made{device.matrix(means.rows(), means.cols()), device.matrix(1, means.rows())};
  device.copy(means, made.coefficients);
  set_intercept(device, means, priors, made);
  return made;
}

LdaFit fit_lda(const ModelInput& input, const ClassMeans& means) {
  Device& device = input.device();
  LdaFit fit;
  fit.within = device.matrix(input.dims(), input.dims());
  input.for_each_centred_block(means.raw, [&](View x, std::size_t) { device.add_gram(1, x, fit.within); });
  device.scale(1 / static_cast<double>(input.rows()), fit.within);
  device.symmetrise(fit.within);
  fit.shrinkage = std::max(std::exp(-5 * largest_eigenvalue(device, fit.within)), 1e-10);
  const Matrix factor = device.copy_of(fit.within);
  fit.discriminant = discriminant(device, means.means, means.priors, factor, fit.shrinkage);
  return fit;
}

void for_each_probability(const ModelInput& input, const ClassMeans& means, const Discriminant& discriminant,
                          const std::function<void(View p, View x, std::size_t first)>& use) {
  Device& device = input.device();
  Matrix scores;
  input.for_each_centred_block(means.overall, [&](View x, std::size_t first) {
    if (scores.rows() < x.rows()) {
      scores = device.matrix(x.rows(), input.classes());
    }
    const View p = scores.rows(0, x.rows());
    device.multiply(1, x, Op::none, discriminant.coefficients, Op::transpose, 0, p);
    device.add_to_rows(1, discriminant.intercept, p);
    device.softmax_rows(p);
    use(p, x, first);
  });
}

}  // namespace itm
