#include "estimators/pca.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "itm/error.hpp"

namespace itm {
namespace {

Matrix column_means(const ModelInput& input) {
  Matrix mean = input.device().matrix(1, input.dims());
  input.for_each_block([&](View x, std::size_t) { input.device().add_column_sums(x, mean); });
  input.device().scale(1 / static_cast<double>(input.rows()), mean);
  return mean;
}

/// Refuses sums of squares that left the range of the arithmetic; no eigenvectors would be found.
void check_range(const ModelInput& input, View gram) {
  if (!std::isfinite(input.device().sum(gram))) {
    throw InputError(
        fmt::format("{}: products of its features are too large for the arithmetic; look for extreme values "
                    "with itm inspect",
                    input.file()));
  }
}

/// N > D: projections on the last K eigenvectors (ascending order) of X^T X.
Matrix project(const ModelInput& input, View mean, std::size_t count) {
  Device& device = input.device();
  const std::size_t dims = input.dims();
  const Matrix gram = device.matrix(dims, dims);
  input.for_each_block([&](View x, std::size_t) {
    device.add_to_rows(-1, mean, x);
    device.add_gram(x, gram);
  });
  check_range(input, gram);
  const Matrix eigenvalues = device.matrix(1, dims);
  device.symmetric_eigen(gram, eigenvalues);
  const View axes = gram.rows(dims - count, count);
  Matrix projected = device.scratch(input.rows(), count);
  input.for_each_block([&](View x, std::size_t first) {
    device.add_to_rows(-1, mean, x);
    device.multiply(1, x, Op::none, axes, Op::transpose, 0, projected.rows(first, x.rows()));
  });
  return projected;
}

/// N <= D: eigenvectors u_k of X X^T times sqrt(lambda_k).
Matrix project_few_rows(const ModelInput& input, View mean, std::size_t count) {
  Device& device = input.device();
  const std::size_t n = input.rows();
  const Matrix x = input.features();
  device.add_to_rows(-1, mean, x);
  const Matrix gram = device.scratch(n, n);
  device.multiply(1, x, Op::none, x, Op::transpose, 0, gram);
  check_range(input, gram);
  const Matrix eigenvalues = device.matrix(1, n);
  device.symmetric_eigen(gram, eigenvalues);
  std::vector<double> lengths = device.download(eigenvalues.view().columns(n - count, count));
  for (double& length : lengths) {
    length = std::sqrt(std::max(length, 0.0));
  }
  const View axes = gram.rows(n - count, count);
  device.scale_rows(device.matrix_of(lengths, 1, count), axes);
  Matrix projected = device.scratch(n, count);
  device.transpose(axes, projected);
  return projected;
}

}  // namespace

Matrix leading_components(const ModelInput& input, std::size_t count) {
  const std::size_t kept = std::min({count, input.dims(), input.rows()});
  const Matrix mean = column_means(input);
  return input.rows() > input.dims() ? project(input, mean, kept) : project_few_rows(input, mean, kept);
}

}  // namespace itm
