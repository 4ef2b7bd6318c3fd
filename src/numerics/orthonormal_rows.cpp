#include "numerics/orthonormal_rows.hpp"

namespace itm {

Matrix lower_solve(Device& device, ConstView l, ConstView y) {
  const Matrix inverse = device.matrix(y.rows(), y.rows());  // row i: L^-1 e_i
  device.add_to_diagonal(1, inverse);
  device.whiten_rows(l, inverse);
  Matrix solved = device.scratch(y.rows(), y.cols());
  device.multiply(1, inverse, Op::transpose, y, Op::none, 0, solved);
  return solved;
}

Matrix orthonormal_rows(Device& device, Matrix y) {
  for (int round = 0; round < 2; ++round) {
    const Matrix gram = device.scratch(y.rows(), y.rows());
    device.multiply(1, y, Op::none, y, Op::transpose, 0, gram);
    if (!device.cholesky(gram)) {
      return {};
    }
    y = lower_solve(device, gram, y);
  }
  return y;
}

}  // namespace itm
