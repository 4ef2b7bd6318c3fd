#include "numerics/ridge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "itm/error.hpp"

namespace itm {

Matrix narrowed(Device& device, ConstView x) {
  const std::size_t n = x.rows();
  const Matrix vectors = device.scratch(n, n);
  device.multiply(1, x, Op::none, x, Op::transpose, 0, vectors);
  const Matrix values = device.scratch(1, n);
  device.symmetric_eigen(vectors, values);
  std::vector<double> lengths = device.read(values);
  std::transform(lengths.begin(), lengths.end(), lengths.begin(), [](double v) { return std::sqrt(std::max(v, 0.0)); });
  Matrix turned = device.scratch(n, n);
  device.transpose(vectors, turned);
  device.scale_columns(device.matrix_of(lengths, 1, n), turned);
  return turned;
}

Ridge::Ridge(Device& device, ConstView x, ConstView y)
    : device_(device),
      x_(x),
      y_(y),
      gram_(device.matrix(x.cols(), x.cols())),
      moments_(device.scratch(y.cols(), x.cols())) {
  device.add_gram(1, x, gram_);
  device.multiply(1, y, Op::transpose, x, Op::none, 0, moments_);
}

Matrix Ridge::predict(RowRange held_out, double l2) const {
  const std::size_t dims = x_.cols() - 1;
  const ConstView out_x = x_.rows(held_out.first, held_out.count);
  const ConstView out_y = y_.rows(held_out.first, held_out.count);
  const Matrix gram = device_.copy_of(gram_);
  device_.add_gram(-1, out_x, gram);
  const Matrix weights = device_.copy_of(moments_);
  device_.multiply(-1, out_y, Op::transpose, out_x, Op::none, 1, weights);
  // Columns are standardised, so the largest eigenvalue is at most the trace, n D.
  const double rounding = std::numeric_limits<double>::epsilon() * static_cast<double>(x_.rows() * x_.cols());
  constexpr double far_too_much = 1e6;
  for (double penalty = std::max(l2, rounding); penalty < std::max(far_too_much, 10 * l2); penalty *= 10) {
    const Matrix factor = device_.copy_of(gram);
    device_.add_to_diagonal(penalty, factor.view().rows(0, dims).columns(0, dims));
    if (device_.cholesky(factor)) {
      device_.solve_rows(factor, weights);
      Matrix predicted = device_.scratch(held_out.count, y_.cols());
      device_.multiply(1, out_x, Op::none, weights, Op::transpose, 0, predicted);
      return predicted;
    }
  }
  throw NumericError(
      "the ridge regression has no solution in this precision; look for extreme values with itm inspect");
}

}  // namespace itm
