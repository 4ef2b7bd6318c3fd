#include "numerics/pca.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "numerics/orthonormal_rows.hpp"

namespace itm {
namespace {

/// How many of the leading components to keep, and their share. `ascending` holds the eigenvalues of the Gram matrix.
struct Kept {
  std::size_t count = 0;
  double share = 1;
};
Kept choose(std::vector<double> ascending, const ComponentChoice& choice) {
  for (double& value : ascending) {
    value = std::max(value, 0.0);  // rounding may have made a zero negative
  }
  const double total = std::accumulate(ascending.rbegin(), ascending.rend(), 0.0);
  const std::size_t most = std::clamp<std::size_t>(choice.most, 1, ascending.size());
  Kept kept{0, 0};
  while (kept.count < most && (kept.count == 0 || kept.share <= choice.share)) {
    kept.share += ascending[ascending.size() - 1 - kept.count] / total;
    ++kept.count;
  }
  return kept;
}

/// The last `count` rows of `ascending` in reverse order.
Matrix leading_rows(Device& device, ConstView ascending, std::size_t count) {
  std::vector<std::int32_t> order(count);
  for (std::size_t i = 0; i < count; ++i) {
    order[i] = static_cast<std::int32_t>(ascending.rows() - 1 - i);
  }
  Matrix leading = device.scratch(count, ascending.cols());
  device.gather_rows(ascending, device.index(order), leading);
  return leading;
}

/// X^T X of the centred rows, lower triangle.
Matrix column_gram(const ModelInput& input, ConstView mean) {
  Device& device = input.device();
  Matrix gram = device.matrix(input.dims(), input.dims());
  input.for_each_centred_block(mean, [&](View x, std::size_t) { device.add_gram(1, x, gram); });
  return gram;
}

/// X X^T of the centred rows.
Matrix row_gram(const ModelInput& input, ConstView mean) {
  Device& device = input.device();
  const Matrix x = input.features();
  device.add_to_rows(-1, mean, x);
  Matrix gram = device.matrix(input.rows(), input.rows());
  device.multiply(1, x, Op::none, x, Op::transpose, 0, gram);
  return gram;
}

/// The centred rows onto directions [k, D]: [N, k].
Matrix projected_onto(const ModelInput& input, ConstView mean, ConstView directions) {
  Device& device = input.device();
  Matrix projected = device.scratch(input.rows(), directions.rows());
  input.for_each_centred_block(mean, [&](View x, std::size_t first) {
    device.multiply(1, x, Op::none, directions, Op::transpose, 0, projected.rows(first, x.rows()));
  });
  return projected;
}

/// N > D: directions from X^T X, then X V.
PrincipalComponents project_rows(const ModelInput& input, ConstView mean, const ComponentChoice& choice) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  const Matrix gram = column_gram(input, mean);
  const Matrix eigenvalues = device.scratch(1, dims);
  device.symmetric_eigen(gram, eigenvalues);
  const Kept kept = choose(device.read(eigenvalues), choice);
  const Matrix directions = leading_rows(device, gram, kept.count);
  return {projected_onto(input, mean, directions), kept.share};
}

/// N <= D: an eigenvector of X X^T times the root of its eigenvalue is the projection itself.
PrincipalComponents project_columns(const ModelInput& input, ConstView mean, const ComponentChoice& choice) {
  Device& device = input.device();
  const std::size_t n = input.rows();
  const Matrix gram = row_gram(input, mean);
  const Matrix eigenvalues = device.scratch(1, n);
  device.symmetric_eigen(gram, eigenvalues);
  const std::vector<double> values = device.read(eigenvalues);
  const Kept kept = choose(values, choice);
  std::vector<double> deviation(kept.count);
  std::transform(values.rbegin(), values.rbegin() + static_cast<std::ptrdiff_t>(kept.count), deviation.begin(),
                 [](double value) { return std::sqrt(std::max(value, 0.0)); });
  const Matrix leading = leading_rows(device, gram, kept.count);
  device.scale_rows(device.matrix_of(deviation, 1, kept.count), leading);
  PrincipalComponents made{device.scratch(n, kept.count), kept.share};
  device.transpose(leading, made.projected);
  return made;
}

/// The leading components of what scikit-learn's sketch spans: random directions O, put through K = X^T X a few times
/// (X X^T where D > N). scikit-learn goes through X and X^T in turns and keeps a basis Q of X K^q O; here Q is never
/// made: with rows Y that span K^q O and Y K Y^T = 1, its part in X has the Gram matrix (Y K) (Y K)^T. Nothing where
/// the rows span less than the sketch.
Matrix sketched_components(const ModelInput& input, ConstView mean, std::size_t most, NumpyRandom& random) {
  constexpr std::size_t extra_directions = 10;
  Device& device = input.device();
  const bool wide = input.rows() < input.dims();
  const std::size_t narrow = std::min(input.rows(), input.dims());
  const std::size_t directions = most + extra_directions;
  const int rounds = 10 * most < narrow ? 7 : 4;

  std::vector<double> start(directions * narrow);
  for (std::size_t i = 0; i < narrow; ++i) {
    for (std::size_t k = 0; k < directions; ++k) {
      start[k * narrow + i] = random.normal();
    }
  }
  const Matrix gram = wide ? row_gram(input, mean) : column_gram(input, mean);
  device.symmetrise(gram);
  Matrix y = device.matrix_of(start, directions, narrow);
  Matrix onto = device.scratch(directions, narrow);  // Y K
  for (int round = 0; round < rounds; ++round) {
    input.check_cancelled();
    device.multiply(1, y, Op::none, gram, Op::none, 0, onto);
    y = orthonormal_rows(device, onto);
    if (y.rows() == 0) {
      return {};
    }
    if (round + 1 < rounds) {
      onto = device.scratch(directions, narrow);
    }
  }
  device.multiply(1, y, Op::none, gram, Op::none, 0, onto);
  const Matrix weight = device.scratch(directions, directions);
  device.multiply(1, y, Op::none, onto, Op::transpose, 0, weight);
  if (!device.cholesky(weight)) {
    return {};
  }
  y = lower_solve(device, weight, y);
  onto = lower_solve(device, weight, onto);
  const Matrix rotation = device.scratch(directions, directions);
  device.multiply(1, onto, Op::none, onto, Op::transpose, 0, rotation);
  const Matrix values = device.scratch(1, directions);
  device.symmetric_eigen(rotation, values);
  const Matrix leading = leading_rows(device, rotation, most);

  Matrix turned = device.scratch(most, narrow);
  device.multiply(1, leading, Op::none, wide ? onto : y, Op::none, 0, turned);
  if (wide) {
    Matrix components = device.scratch(narrow, most);
    device.transpose(turned, components);
    return components;
  }
  std::vector<double> length = device.read(values);
  std::reverse(length.begin(), length.end());
  length.resize(most);
  for (double& value : length) {
    value = std::sqrt(std::max(value, 0.0));
  }
  device.scale_rows(device.matrix_of(length, 1, most), turned);
  return projected_onto(input, mean, turned);
}

}  // namespace

Matrix scikit_components(const ModelInput& input, std::size_t most, NumpyRandom& random) {
  constexpr std::size_t small = 500;
  const std::size_t narrow = std::min(input.rows(), input.dims());
  const bool is_random = std::max(input.rows(), input.dims()) > small && 10 * most < 8 * narrow;
  if (is_random && !input.has_constant_rows()) {
    const Matrix sketched = sketched_components(input, input.column_means(), most, random);
    if (sketched.rows() > 0) {
      return sketched;
    }
  }
  // A share that is never reached: all components there are.
  return principal_components(input, {.most = most, .share = 2}).projected;
}

PrincipalComponents principal_components(const ModelInput& input, const ComponentChoice& choice) {
  Device& device = input.device();
  if (input.has_constant_rows()) {
    return {device.matrix(input.rows(), 1), 1};  // an eigensolver would answer with the rounding of the mean
  }
  const Matrix mean = input.column_means();
  return input.rows() > input.dims() ? project_rows(input, mean, choice) : project_columns(input, mean, choice);
}

}  // namespace itm
