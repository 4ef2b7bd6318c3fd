#include "numerics/pca.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

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

/// N > D: directions from X^T X, then X V.
PrincipalComponents project_rows(const ModelInput& input, ConstView mean, const ComponentChoice& choice) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  const Matrix gram = device.matrix(dims, dims);
  input.for_each_centred_block(mean, [&](View x, std::size_t) { device.add_gram(1, x, gram); });
  const Matrix eigenvalues = device.scratch(1, dims);
  device.symmetric_eigen(gram, eigenvalues);
  const Kept kept = choose(device.read(eigenvalues), choice);
  const Matrix directions = leading_rows(device, gram, kept.count);
  PrincipalComponents made{device.scratch(input.rows(), kept.count), kept.share};
  input.for_each_centred_block(mean, [&](View x, std::size_t first) {
    device.multiply(1, x, Op::none, directions, Op::transpose, 0, made.projected.rows(first, x.rows()));
  });
  return made;
}

/// N <= D: an eigenvector of X X^T times the root of its eigenvalue is the projection itself.
PrincipalComponents project_columns(const ModelInput& input, ConstView mean, const ComponentChoice& choice) {
  Device& device = input.device();
  const std::size_t n = input.rows();
  const Matrix x = input.features();
  device.add_to_rows(-1, mean, x);
  const Matrix gram = device.matrix(n, n);
  device.multiply(1, x, Op::none, x, Op::transpose, 0, gram);
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

}  // namespace

PrincipalComponents principal_components(const ModelInput& input, const ComponentChoice& choice) {
  Device& device = input.device();
  if (input.has_constant_rows()) {
    return {device.matrix(input.rows(), 1), 1};  // an eigensolver would answer with the rounding of the mean
  }
  const Matrix mean = input.column_means();
  return input.rows() > input.dims() ? project_rows(input, mean, choice) : project_columns(input, mean, choice);
}

}  // namespace itm
