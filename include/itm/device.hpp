#pragma once
// The operations that estimators are written in: once, for every processor. A Device owns memory and works on it; an
// estimator sees opaque views and downloads the few numbers that it needs on the host. All numbers are float64 unless
// the device was asked for the float32 fast mode, in which products and Gram matrices are computed in float32 and
// summed over blocks of rows in float64.
//
// Layout: every matrix is row-major; "index" is a vector of int32 with one entry per row.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "itm/array.hpp"

namespace itm {

/// rows x cols numbers in a device's memory; row i begins `stride` numbers after row i - 1. Does not own them.
template <typename T>
class BasicView {
 public:
  BasicView() = default;
  BasicView(T* data, std::size_t rows, std::size_t cols, std::size_t stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t cols() const { return cols_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::size_t size() const { return rows_ * cols_; }
  /// Rows first, first + 1, ... first + count - 1.
  [[nodiscard]] BasicView rows(std::size_t first, std::size_t count) const {
    return {data_ + first * stride_, count, cols_, stride_};
  }
  [[nodiscard]] BasicView row(std::size_t i) const { return rows(i, 1); }
  [[nodiscard]] BasicView columns(std::size_t first, std::size_t count) const {
    return {data_ + first, rows_, count, stride_};
  }
  /// An address on the device: for implementations of Device only.
  [[nodiscard]] T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t stride_ = 0;
};

/// Memory of a device, freed with the object. Vectors are matrices of one row.
template <typename T>
class BasicMatrix {
 public:
  BasicMatrix() = default;
  BasicMatrix(std::shared_ptr<T> memory, std::size_t rows, std::size_t cols)
      : memory_(std::move(memory)), view_(memory_.get(), rows, cols, cols) {}

  [[nodiscard]] std::size_t rows() const { return view_.rows(); }
  [[nodiscard]] std::size_t cols() const { return view_.cols(); }
  [[nodiscard]] BasicView<T> view() const { return view_; }
  [[nodiscard]] BasicView<T> row(std::size_t i) const { return view_.row(i); }
  [[nodiscard]] BasicView<T> rows(std::size_t first, std::size_t count) const { return view_.rows(first, count); }
  operator BasicView<T>() const { return view_; }  // NOLINT(google-explicit-constructor): a matrix is a view of itself

 private:
  std::shared_ptr<T> memory_;
  BasicView<T> view_;
};

using View = BasicView<double>;
using Matrix = BasicMatrix<double>;
using IndexView = BasicView<std::int32_t>;  ///< one row
using Index = BasicMatrix<std::int32_t>;

enum class Op : bool { none, transpose };

/// What Device::rank_pairs counts; ranks begin at 1 and ties get their average.
struct PairRanks {
  double pairs = 0;
  double same = 0;           ///< pairs within a class
  double same_rank_sum = 0;  ///< their ranks' sum
  double ties = 0;           ///< sum of t^3 - t over groups of t equal distances
};

class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  // ---- memory ----
  /// rows x cols zeros. Memory that is let go is kept for the next matrix: fresh pages cost more than most operations.
  [[nodiscard]] virtual Matrix matrix(std::size_t rows, std::size_t cols) = 0;
  /// rows x cols numbers of no particular value.
  [[nodiscard]] virtual Matrix scratch(std::size_t rows, std::size_t cols) = 0;
  [[nodiscard]] virtual Index index(std::span<const std::int32_t> values) = 0;
  virtual void upload(std::span<const double> values, View to) = 0;
  virtual void download(View from, std::span<double> values) = 0;
  virtual void copy(View from, View to) = 0;
  virtual void fill(View x, double value) = 0;
  virtual void transpose(View from, View to) = 0;
  /// out_i = s_ii; out is one row.
  virtual void diagonal(View s, View out) = 0;
  /// Rows first, first + 1, ... of a file as float64; `map` maps row -> row of the array (empty: identity).
  virtual void load(const Array& array, std::span<const std::uint32_t> map, std::size_t first, View to) = 0;
  /// The same, and to_i += alpha m[index_i] on the way; where the index is empty, m is one row that all get.
  virtual void load_shifted(const Array& array, std::span<const std::uint32_t> map, std::size_t first, double alpha,
                            View m, IndexView index, View to) = 0;
  /// S[index_i] += row first + i of a file, for every entry of the index, without keeping the rows.
  virtual void add_class_sums_of(const Array& array, std::span<const std::uint32_t> map, std::size_t first,
                                 IndexView index, View s) = 0;

  // ---- products ----
  /// C = alpha op(A) op(B) + beta C.
  virtual void multiply(double alpha, View a, Op op_a, View b, Op op_b, double beta, View c) = 0;
  /// Lower triangle of S += alpha A^T A; A is n x d, S d x d.
  virtual void add_gram(double alpha, View a, View s) = 0;
  /// Copies the strict lower triangle to the upper one.
  virtual void symmetrise(View s) = 0;
  /// y = S x for symmetric S (both triangles filled); x and y are vectors.
  virtual void apply_symmetric(View s, View x, View y) = 0;

  // ---- factorisations ----
  /// S = L L^T in place (lower triangle; the strict upper triangle is left as it was). False when S is not positive
  /// definite to working precision; S is then undefined.
  [[nodiscard]] virtual bool cholesky(View s) = 0;
  /// Every row b of B becomes S^-1 b, with L from cholesky().
  virtual void solve_rows(View l, View b) = 0;
  /// Every row b of B becomes L^-1 b, so that |b|^2 is the squared Mahalanobis length.
  virtual void whiten_rows(View l, View b) = 0;
  /// S = V^T diag(w) V: `values` (1 x d) ascending, S overwritten by V, row i the eigenvector of values[i]. Reads the
  /// lower triangle. Throws NumericError when the iteration does not converge (input with NaN or infinity).
  virtual void symmetric_eigen(View s, View values) = 0;

  // ---- rows and columns ----
  /// X *= factor.
  virtual void scale(double factor, View x) = 0;
  /// Y += alpha X.
  virtual void add(double alpha, View x, View y) = 0;
  /// s_ii += value.
  virtual void add_to_diagonal(double value, View s) = 0;
  /// S[index_i] += x_i; S has one row per class.
  virtual void add_class_sums(View x, IndexView index, View s) = 0;
  /// S[index_i] += w_i x_i; w is one row.
  virtual void add_weighted_class_sums(View w, View x, IndexView index, View s) = 0;
  /// x_i += alpha m[index_i].
  virtual void add_indexed_rows(double alpha, View m, IndexView index, View x) = 0;
  /// x_i += alpha v for every row; v is one row.
  virtual void add_to_rows(double alpha, View v, View x) = 0;
  /// to_i = from[index_i].
  virtual void gather_rows(View from, IndexView index, View to) = 0;
  /// X[., j] *= v_j.
  virtual void scale_columns(View v, View x) = 0;
  /// X[i, .] *= v_i.
  virtual void scale_rows(View v, View x) = 0;
  /// x_ij = max(0, min(x_ij, most_j)); most is one row.
  virtual void clamp_rows(View most, View x) = 0;
  /// out_j += sum_i x_ij.
  virtual void add_column_sums(View x, View out) = 0;
  /// out_j += sum_i x_ij^2.
  virtual void add_column_squares(View x, View out) = 0;
  /// out_i = sum_j x_ij^2.
  virtual void row_squares(View x, View out) = 0;
  /// out_i = <a_i, b[index_i]>: a row of A against the row of B that the index names.
  virtual void indexed_row_dots(View a, View b, IndexView index, View out) = 0;
  /// out_i = x[i, index_i].
  virtual void pick(View x, IndexView index, View out) = 0;
  /// Every row becomes its soft-max.
  virtual void softmax_rows(View x) = 0;
  /// out_i = log sum_j exp(x_ij).
  virtual void log_sum_exp_rows(View x, View out) = 0;
  /// Column of each row's largest value; the first of several.
  [[nodiscard]] virtual std::vector<std::int32_t> argmax_rows(View x) = 0;
  /// Every row minus its mean, then scaled to unit length; a constant row becomes zeros.
  virtual void correlate_rows(View x) = 0;
  /// out_ij = |a_i - b_j|^2, each difference formed before it is squared: exact for near rows. For few rows.
  virtual void squared_distances(View a, View b, View out) = 0;
  /// Columns of each row's k smallest values, ascending, the lower column first among equals: rows x k.
  [[nodiscard]] virtual std::vector<std::int32_t> smallest_of_rows(View x, std::size_t k) = 0;

  // ---- pairs ----
  /// Spearman statistics of the distances 1 - <x_i, x_j> over all pairs i < j of rows of length 1 or 0, split by
  /// whether the rows share their index. Distances are compared in steps of 2^-30: what rounding alone tells apart is
  /// a tie. Memory: 8 bytes per pair.
  [[nodiscard]] virtual PairRanks rank_pairs(View x, IndexView index) = 0;

  // ---- whole vectors ----
  /// Sum of all elements.
  [[nodiscard]] virtual double sum(View x) = 0;
  /// Ascending; one row.
  virtual void sort(View x) = 0;

  /// All numbers of a view, row-major.
  [[nodiscard]] std::vector<double> download(View from) {
    std::vector<double> values(from.size());
    download(from, values);
    return values;
  }
  [[nodiscard]] Matrix matrix_of(std::span<const double> values, std::size_t rows, std::size_t cols) {
    Matrix made = matrix(rows, cols);
    upload(values, made);
    return made;
  }
};

/// Arithmetic of products and Gram matrices.
enum class Arithmetic : std::uint8_t { float64, float32 };

/// OpenBLAS and LAPACK, one thread per call; cheap to make, one per thread of work.
[[nodiscard]] std::unique_ptr<Device> make_cpu_device(Arithmetic arithmetic = Arithmetic::float64);

}  // namespace itm
