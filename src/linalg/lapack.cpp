#include "linalg/lapack.hpp"

#include <cblas.h>

#include <algorithm>
#include <vector>

#include "linalg/blas.hpp"

// LAPACK as OpenBLAS brings it. The trailing arguments are the lengths of the character arguments.
extern "C" {
void dpotrf_(const char* uplo, const blasint* n, double* a, const blasint* lda, blasint* info, std::size_t);
void dsyevd_(const char* jobz, const char* uplo, const blasint* n, double* a, const blasint* lda, double* w,
             double* work, const blasint* lwork, blasint* iwork, const blasint* liwork, blasint* info, std::size_t,
             std::size_t);
}

namespace itm::lapack {
namespace {

constexpr std::size_t triangle_width = 32;  ///< of the triangles that are inverted
constexpr std::size_t panel_width = 128;    ///< of a Cholesky panel; 96 to 192 differ by 5 % at n = 768
constexpr std::size_t rows_to_invert = 64;  ///< fewer rows are not worth inverting triangles for

blasint as_int(std::size_t n) { return static_cast<blasint>(n); }

/// B := B L^-T (Op::transpose) or B := B L^-1 (Op::none).
void solve_lower(Op op, std::size_t rows, std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb) {
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, op == Op::transpose ? CblasTrans : CblasNoTrans, CblasNonUnit,
              as_int(rows), as_int(n), 1.0, l, as_int(ldl), b, as_int(ldb));
}

/// The same for one triangle on the diagonal, through its inverse.
class TriangleSolver {
 public:
  TriangleSolver(Op op, std::size_t rows)
      : op_(op), rows_(rows), inverse_(triangle_width * triangle_width), before_(rows * triangle_width) {}

  void operator()(std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb) {
    std::fill(inverse_.begin(), inverse_.end(), 0.0);
    for (std::size_t j = 0; j < n; ++j) {
      inverse_[j * n + j] = 1;
    }
    solve_lower(op_, n, n, l, ldl, inverse_.data(), n);
    for (std::size_t i = 0; i < rows_; ++i) {
      std::copy(b + i * ldb, b + i * ldb + n, before_.data() + i * n);
    }
    blas::gemm(Op::none, Op::none, rows_, n, n, 1.0, before_.data(), n, inverse_.data(), n, 0.0, b, ldb);
  }

 private:
  Op op_;
  std::size_t rows_;
  std::vector<double> inverse_;
  std::vector<double> before_;
};

/// B := B L^-1.
void finish_rows_lower(std::size_t rows, std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb) {
  if (rows < rows_to_invert) {
    solve_lower(Op::none, rows, n, l, ldl, b, ldb);
    return;
  }
  TriangleSolver solve(Op::none, rows);
  std::size_t end = n;
  while (end > 0) {
    const std::size_t first = (end - 1) / triangle_width * triangle_width;
    if (end < n) {
      blas::gemm(Op::none, Op::none, rows, end - first, n - end, -1.0, b + end, ldb, l + end * ldl + first, ldl, 1.0,
                 b + first, ldb);
    }
    solve(end - first, l + first * ldl + first, ldl, b + first, ldb);
    end = first;
  }
}

bool is_finite_lower(std::size_t n, const double* s, std::size_t lds) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      sum += s[i * lds + j] * 0.0;
    }
  }
  return sum == 0.0;
}

}  // namespace

void whiten_rows_lower(std::size_t rows, std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb) {
  if (rows < rows_to_invert) {
    solve_lower(Op::transpose, rows, n, l, ldl, b, ldb);
    return;
  }
  TriangleSolver solve(Op::transpose, rows);
  for (std::size_t first = 0; first < n; first += triangle_width) {
    const std::size_t count = std::min(triangle_width, n - first);
    if (first > 0) {
      blas::gemm(Op::none, Op::transpose, rows, count, first, -1.0, b, ldb, l + first * ldl, ldl, 1.0, b + first, ldb);
    }
    solve(count, l + first * ldl + first, ldl, b + first, ldb);
  }
}

void solve_rows_lower(std::size_t rows, std::size_t n, const double* l, std::size_t ldl, double* b, std::size_t ldb) {
  whiten_rows_lower(rows, n, l, ldl, b, ldb);
  finish_rows_lower(rows, n, l, ldl, b, ldb);
}

bool cholesky_lower(std::size_t n, double* s, std::size_t lds) {
  for (std::size_t first = 0; first < n; first += panel_width) {
    const std::size_t count = std::min(panel_width, n - first);
    const std::size_t below = n - first - count;
    double* diagonal = s + first * lds + first;
    // Column-major LAPACK sees the lower triangle as the upper one.
    const blasint size = as_int(count);
    const blasint stride = as_int(lds);
    blasint info = 0;
    dpotrf_("U", &size, diagonal, &stride, &info, 1);
    if (info != 0 || !is_finite_lower(count, diagonal, lds)) {
      return false;
    }
    if (below > 0) {
      double* panel = diagonal + count * lds;
      whiten_rows_lower(below, count, diagonal, lds, panel, lds);
      cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, as_int(below), as_int(count), -1.0, panel, stride, 1.0,
                  panel + count, stride);
    }
  }
  return true;
}

bool symmetric_eigen_lower(std::size_t n, double* s, std::size_t lds, double* values) {
  if (!is_finite_lower(n, s, lds)) {
    return false;
  }
  const blasint size = as_int(n);
  const blasint stride = as_int(lds);
  blasint info = 0;
  blasint needed_ints = 0;
  double needed = 0;
  constexpr blasint ask = -1;
  dsyevd_("V", "U", &size, s, &stride, values, &needed, &ask, &needed_ints, &ask, &info, 1, 1);
  std::vector<double> work(static_cast<std::size_t>(needed));
  std::vector<blasint> ints(static_cast<std::size_t>(needed_ints));
  const blasint work_size = as_int(work.size());
  dsyevd_("V", "U", &size, s, &stride, values, work.data(), &work_size, ints.data(), &needed_ints, &info, 1, 1);
  return info == 0;
}

}  // namespace itm::lapack
