#pragma once
// Factorisations of row-major float64 matrices on one thread, for the CPU path. Their work is in matrix products: on
// panels of rows OpenBLAS solves triangular systems at a tenth of the speed of its products.

#include <cstddef>

namespace itm::lapack {

/// S = L L^T in place: lower triangle of the n x n matrix, the strict upper one is left as it was. False when S is not
/// positive definite to working precision, or not finite; S is then undefined.
[[nodiscard]] bool cholesky_lower(std::size_t n, double* s, std::size_t lds);

/// Every row b of B (rows x n) becomes L^-1 b; L is n x n, its lower triangle is read.
void whiten_rows_lower(std::size_t rows, std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb);

/// Every row b of B (rows x n) becomes (L L^T)^-1 b.
void solve_rows_lower(std::size_t rows, std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb);

/// S = V^T diag(values) V: n values ascending, S overwritten by V, row i the eigenvector of values[i]. Reads the lower
/// triangle. False when the iteration does not converge or S is not finite.
[[nodiscard]] bool symmetric_eigen_lower(std::size_t n, double* s, std::size_t lds, double* values);

}  // namespace itm::lapack
