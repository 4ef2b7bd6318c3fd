#pragma once
// The operations that estimators are written in: once, for every processor. A Device owns memory and an order of work;
// what it is told to do it may do later, in that order. Nothing comes back to the host except by a read, which is the
// only wait: an estimator lets results stay where they are until a decision needs them, and reads them several at a
// time. What loops over classes, components or blocks of rows is one operation here wherever a GPU would otherwise see
// many small ones.
//
// All numbers are float64 unless the device was asked for the float32 fast mode, in which products and Gram matrices
// are computed in float32 and summed over blocks of rows in float64.
//
// Layout: every matrix is row-major; "index" is a vector of int32 with one entry per row; a "number" is a 1 x 1 matrix.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "itm/arithmetic.hpp"
#include "itm/array.hpp"

namespace itm {

/// rows x cols numbers in a device's memory; row i begins `stride` numbers after row i - 1. Does not own them. Of const
/// numbers where they are an operation's input.
template <typename T>
class BasicView {
 public:
  BasicView() = default;
  /// rows x cols numbers at `data`; row i begins i * stride numbers further on.
  BasicView(T* data, std::size_t rows, std::size_t cols, std::size_t stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  /// What may be written may be read.
  template <typename U, typename = std::enable_if_t<std::is_same_v<T, const U>>>
  BasicView(const BasicView<U>& other)  // NOLINT(google-explicit-constructor)
      : BasicView(other.data(), other.rows(), other.cols(), other.stride()) {}

  /// Its shape, the numbers from one row to the next, and all of them.
  ///@{
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t cols() const { return cols_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::size_t size() const { return rows_ * cols_; }
  ///@}
  /// Rows first, first + 1, ... first + count - 1.
  [[nodiscard]] BasicView rows(std::size_t first, std::size_t count) const {
    return {data_ + first * stride_, count, cols_, stride_};
  }
  /// Row i, 1 x cols.
  [[nodiscard]] BasicView row(std::size_t i) const { return rows(i, 1); }
  /// Columns first ... first + count - 1 of all rows.
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

/// Memory of a device, freed with the object, in order with the work. Vectors are matrices of one row.
template <typename T>
class BasicMatrix {
 public:
  BasicMatrix() = default;
  /// Of memory that lives as long as it or a copy of it.
  BasicMatrix(std::shared_ptr<T> memory, std::size_t rows, std::size_t cols)
      : memory_(std::move(memory)), view_(memory_.get(), rows, cols, cols) {}

  /// A view of it or of a part of it, as BasicView has them.
  ///@{
  [[nodiscard]] std::size_t rows() const { return view_.rows(); }
  [[nodiscard]] std::size_t cols() const { return view_.cols(); }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] BasicView<T> view() const { return view_; }
  [[nodiscard]] BasicView<T> row(std::size_t i) const { return view_.row(i); }
  [[nodiscard]] BasicView<T> rows(std::size_t first, std::size_t count) const { return view_.rows(first, count); }
  [[nodiscard]] BasicView<T> columns(std::size_t first, std::size_t count) const { return view_.columns(first, count); }
  operator BasicView<T>() const { return view_; }  // NOLINT(google-explicit-constructor): a matrix is a view of itself
  operator BasicView<const T>() const {
    return view_;
  }  // NOLINT(google-explicit-constructor)
     ///@}

 private:
  std::shared_ptr<T> memory_;
  BasicView<T> view_;
};

using View = BasicView<double>;                        ///< what operations write to
using ConstView = BasicView<const double>;             ///< what operations read
using Matrix = BasicMatrix<double>;                    ///< float64 on a device
using IndexView = BasicView<std::int32_t>;             ///< one row
using ConstIndexView = BasicView<const std::int32_t>;  ///< one row
using Index = BasicMatrix<std::int32_t>;               ///< one row, with its memory

/// A matrix in a file or in memory as a device keeps it: on the CPU where it lies, on a GPU in the device's memory, as
/// float16, float32 or float64 as it is stored. Rows become float64 when they are loaded (Device::load).
class Features {
 public:
  /// N x D of them.
  Features(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols) {}
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  virtual ~Features() = default;
  /// N.
  [[nodiscard]] std::size_t rows() const { return rows_; }
  /// D.
  [[nodiscard]] std::size_t cols() const { return cols_; }

 private:
  std::size_t rows_;
  std::size_t cols_;
};
/// Shared by all who opened the same features.
using FeaturesOnDevice = std::shared_ptr<const Features>;

/// What Device::open is given.
struct StoredFeatures {
  const Array* array = nullptr;  ///< lives until the device has opened it
  std::string key{};             ///< names the contents: who opens them again finds them there; empty: nobody does
};

class Classes;

/// Rows first, first + 1, ... first + count - 1 of those that Classes knows the class of.
struct ClassRows {
  const Classes* all = nullptr;  ///< outlives it
  std::size_t first = 0;         ///< row number
  std::size_t count = 0;         ///< of rows
  /// The class of each, 1 x count.
  [[nodiscard]] inline ConstIndexView labels() const;
};

/// The class of every row and, the other way round, the rows of every class.
class Classes {
 public:
  Classes() = default;
  /// `order`: the rows class by class, ascending within one; those of class c are the entries begin[c] ... begin[c + 1]
  /// of it.
  Classes(Index labels, Index order, Index begin)
      : labels_(std::move(labels)), order_(std::move(order)), begin_(std::move(begin)) {}
  /// C.
  [[nodiscard]] std::size_t count() const { return begin_.cols() == 0 ? 0 : begin_.cols() - 1; }
  /// Rows first ... first + number - 1, or all, and the class of each, 1 x count.
  ///@{
  [[nodiscard]] ClassRows rows(std::size_t first, std::size_t number) const { return {this, first, number}; }
  [[nodiscard]] ClassRows rows() const { return rows(0, labels_.cols()); }
  [[nodiscard]] ConstIndexView labels() const { return labels_; }
  [[nodiscard]] ConstIndexView labels(std::size_t first, std::size_t number) const {
    return labels_.columns(first, number);
  }
  ///@}
  /// Rows class by class, 1 x N.
  [[nodiscard]] ConstIndexView order() const { return order_; }
  /// Where each class begins in order(), and its end: 1 x (C + 1).
  [[nodiscard]] ConstIndexView begin() const { return begin_; }

 private:
  Index labels_;
  Index order_;
  Index begin_;
};

ConstIndexView ClassRows::labels() const { return all->labels(first, count); }

/// What Device::map does to a number.
enum class Map : std::uint8_t {
  inverse,       ///< 1 / x; 0 where x is not positive
  inverse_root,  ///< 1 / sqrt(x); 0 where x is not positive
  is_zero,       ///< 1 where x is 0, else 0
};

/// What Device::rank_pairs counts; ranks begin at 1 and ties get their average.
struct PairRanks {
  double pairs = 0;          ///< all pairs of different rows
  double same = 0;           ///< pairs within a class
  double same_rank_sum = 0;  ///< their ranks' sum
  double ties = 0;           ///< sum of t^3 - t over groups of t equal distances
};

/// Rows of numbers that a device asks for when it needs them.
struct RowSource {
  using Block = std::function<void(View x, std::size_t first)>;  ///< what is given rows first, first + 1, ...
  std::size_t rows = 0;                                          ///< N
  std::size_t cols = 0;                                          ///< D
  /// Calls block(x, first) with consecutive ones of some rows, in the given order, of all rows when none are given. The
  /// block may overwrite x.
  std::function<void(std::span<const std::uint32_t> wanted, const Block& block)> read;
  std::function<void()> checkpoint{};  ///< called now and then; it may throw
};

/// The nearest rows of some rows (Device::nearest_rows), [rows, count] row-major.
struct Neighbourhoods {
  std::vector<double> distances;   ///< squared
  std::vector<std::int32_t> rows;  ///< their numbers, nearest first
};

/// One step s of a quasi-Newton method with the change y of the gradient along it.
struct LbfgsPair {
  Matrix s;         ///< 1 x n
  Matrix y;         ///< 1 x n
  Matrix products;  ///< 1 x 2: <s, y>, which is positive, and <y, y>
};

/// A Gaussian mixture with full covariances that is fitted to the rows of a matrix (Device::mixture).
class Mixture {
 public:
  Mixture() = default;
  Mixture(const Mixture&) = delete;
  Mixture& operator=(const Mixture&) = delete;
  virtual ~Mixture() = default;
  /// One step of expectation maximisation: parameters from responsibilities, then responsibilities from parameters.
  /// The mean log likelihood of a row under these parameters. Calls `checkpoint` now and then; it may throw. Waits.
  virtual double step(const std::function<void()>& checkpoint) = 0;
  /// S[class_i, k] += p(component k | row i): [C, K].
  virtual void add_class_sums(const Classes& classes, View s) = 0;
};

/// What a device has done since it was made.
struct DeviceCounts {
  std::uint64_t waits = 0;     ///< reads: the host needed results before it could go on
  std::uint64_t launches = 0;  ///< kernels and library calls; on the CPU operations
  std::uint64_t uploaded = 0;  ///< bytes from the host, features left out that were there
  std::uint64_t read = 0;      ///< bytes to the host
  std::uint64_t moved = 0;     ///< bytes of device memory that launches read or wrote, at least; 0 on the CPU

  /// Adds what another device has done.
  DeviceCounts& operator+=(const DeviceCounts& other) {
    waits += other.waits;
    launches += other.launches;
    uploaded += other.uploaded;
    read += other.read;
    moved += other.moved;
    return *this;
  }
};

/// Not for several threads at once.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  /// Since it was made.
  [[nodiscard]] virtual DeviceCounts counts() const { return counts_; }

  // ---- memory ----
  /// rows x cols zeros. Memory that is let go is kept for the next matrix: fresh pages cost more than most operations.
  [[nodiscard]] virtual Matrix matrix(std::size_t rows, std::size_t cols) = 0;
  /// rows x cols numbers of no particular value.
  [[nodiscard]] virtual Matrix scratch(std::size_t rows, std::size_t cols) = 0;
  /// 1 x count whole numbers of no particular value.
  [[nodiscard]] virtual Index index_scratch(std::size_t count) = 0;
  /// 1 x n, these.
  [[nodiscard]] virtual Index index(std::span<const std::int32_t> values) = 0;
  /// Classes from the class of every row, all in [0, count).
  [[nodiscard]] virtual Classes classes(Index labels, std::size_t count) = 0;
  /// Row-major numbers of the host into a view of as many.
  virtual void upload(std::span<const double> values, View to) = 0;
  /// Of the same shape.
  virtual void copy(ConstView from, View to) = 0;
  /// Every number becomes `value`.
  virtual void fill(View x, double value) = 0;
  /// to_ji = from_ij.
  virtual void transpose(ConstView from, View to) = 0;
  /// out_i = s_ii; out is one row.
  virtual void diagonal(ConstView s, View out) = 0;

  // ---- reads: the only waits ----
  /// All numbers of the views, row-major. Throws what an earlier operation failed with, NumericError for an eigensolver
  /// that did not converge.
  [[nodiscard]] std::vector<std::vector<double>> read(std::initializer_list<ConstView> views);
  /// Of one view.
  [[nodiscard]] std::vector<double> read(ConstView view);
  /// Whole numbers.
  [[nodiscard]] std::vector<std::int32_t> read(ConstIndexView view);
  /// The only number of a 1 x 1 matrix.
  [[nodiscard]] double number(ConstView view) { return read(view).front(); }

  // ---- features ----
  /// Opens features, all that a model needs at once; those whose key is known are there already. `workspace`: bytes
  /// that the caller will use beside them, at most. May wait for other models of a device to finish; who has opened
  /// features with a key must not open more. Throws DeviceError where they do not fit the device alone.
  [[nodiscard]] virtual std::vector<FeaturesOnDevice> open(std::span<const StoredFeatures> features,
                                                           std::size_t workspace) = 0;
  /// Rows of `cols` numbers that are worked on at once.
  [[nodiscard]] virtual std::size_t block_rows(std::size_t cols) const = 0;
  /// Bytes that may be used to do small things together.
  [[nodiscard]] virtual std::size_t batch_bytes() const = 0;
  /// Rows first, first + 1, ... as float64; `map` maps row -> row of the features (empty: identity).
  virtual void load(const Features& features, ConstIndexView map, std::size_t first, View to) = 0;
  /// The same, and to_i += alpha m[index_i] on the way; where the index is empty, m is one row that all get.
  virtual void load_shifted(const Features& features, ConstIndexView map, std::size_t first, double alpha, ConstView m,
                            ConstIndexView index, View to) = 0;
  /// S[label_i] += row i of the features, for all rows of `rows`, without keeping them.
  virtual void add_class_sums_of(const Features& features, ConstIndexView map, ClassRows rows, View s) = 0;
  /// out_j += sum of rows first, first + 1, ... first + count - 1.
  virtual void add_column_sums_of(const Features& features, ConstIndexView map, std::size_t first, std::size_t count,
                                  View out) = 0;

  // ---- products ----
  /// C = alpha op(A) op(B) + beta C.
  virtual void multiply(double alpha, ConstView a, Op op_a, ConstView b, Op op_b, double beta, View c) = 0;
  /// Lower triangle of S += alpha A^T A; A is n x d, S d x d.
  virtual void add_gram(double alpha, ConstView a, View s) = 0;
  /// Copies the strict lower triangle to the upper one.
  virtual void symmetrise(View s) = 0;

  // ---- factorisations ----
  /// S = L L^T in place (lower triangle; the strict upper triangle is left as it was). False when S is not positive
  /// definite to working precision; S is then undefined. Waits.
  [[nodiscard]] virtual bool cholesky(View s) = 0;
  /// out_i = log det(I + S_i) for the lower triangles of some matrices, which are overwritten; NaN where I + S_i is not
  /// positive definite to working precision.
  virtual void log_dets_of_one_plus(std::span<const Matrix> s, View out) = 0;
  /// Every row b of B becomes S^-1 b, with L from cholesky().
  virtual void solve_rows(ConstView l, View b) = 0;
  /// Every row b of B becomes L^-1 b, so that |b|^2 is the squared Mahalanobis length.
  virtual void whiten_rows(ConstView l, View b) = 0;
  /// S = V^T diag(w) V: `values` (1 x d) ascending, S overwritten by V, row i the eigenvector of values[i]. Reads the
  /// lower triangle. Throws NumericError, at the latest with the next read, when the iteration does not converge (input
  /// with NaN or infinity).
  virtual void symmetric_eigen(View s, View values) = 0;

  // ---- rows and columns ----
  /// X *= factor.
  virtual void scale(double factor, View x) = 0;
  /// Every number of X by itself.
  virtual void map(Map what, View x) = 0;
  /// Y += alpha X.
  virtual void add(double alpha, ConstView x, View y) = 0;
  /// s_ii += value.
  virtual void add_to_diagonal(double value, View s) = 0;
  /// S[label_i] += x_i; S has one row per class.
  virtual void add_class_sums(ConstView x, ClassRows rows, View s) = 0;
  /// S[label_i] += w_i x_i; w is one row.
  virtual void add_weighted_class_sums(ConstView w, ConstView x, ClassRows rows, View s) = 0;
  /// Row c of `mean` and `variance`: those of the rows of x that are of class c, divided by their number; zeros where
  /// there are none.
  virtual void class_moments(ConstView x, const Classes& classes, View mean, View variance) = 0;
  /// x_i += alpha m[index_i].
  virtual void add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x) = 0;
  /// x_i += alpha v for every row; v is one row.
  virtual void add_to_rows(double alpha, ConstView v, View x) = 0;
  /// to_i = from[index_i].
  virtual void gather_rows(ConstView from, ConstIndexView index, View to) = 0;
  /// X[., j] *= v_j.
  virtual void scale_columns(ConstView v, View x) = 0;
  /// X[i, .] *= v_i.
  virtual void scale_rows(ConstView v, View x) = 0;
  /// x_ij = max(0, min(x_ij, most_j)); most is one row.
  virtual void clamp_rows(ConstView most, View x) = 0;
  /// out_j += sum_i x_ij.
  virtual void add_column_sums(ConstView x, View out) = 0;
  /// out_j += sum_i x_ij^2.
  virtual void add_column_squares(ConstView x, View out) = 0;
  /// out_j = 1 / sqrt(variance_j); 1 where the deviation is at most `noise` |mean_j|: a column that is constant up to
  /// the rounding of its mean. As scikit-learn's StandardScaler.
  virtual void inverse_deviations(ConstView mean, ConstView variance, double noise, View out) = 0;
  /// Every column times the sign of its largest entry in absolute value, the first of several.
  virtual void fix_column_signs(View x) = 0;
  /// out_i = sum_j x_ij^2.
  virtual void row_squares(ConstView x, View out) = 0;
  /// out_i = <a_i, b[index_i]>: a row of A against the row of B that the index names.
  virtual void indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out) = 0;
  /// out_i = x[i, index_i].
  virtual void pick(ConstView x, ConstIndexView index, View out) = 0;
  /// Every row becomes its soft-max.
  virtual void softmax_rows(View x) = 0;
  /// out_i = log sum_j exp(x_ij).
  virtual void log_sum_exp_rows(ConstView x, View out) = 0;
  /// loss (a number) += sum_i log sum_j exp(z_ij) - z[i, label_i]: the cross-entropy of logits.
  virtual void add_cross_entropy(ConstView z, ConstIndexView labels, View loss) = 0;
  /// The same, and every row of logits becomes its soft-max.
  virtual void softmax_cross_entropy(View z, ConstIndexView labels, View loss) = 0;
  /// loss (a number) += sum of log(1 + exp(z_ij)) - y_ij z_ij, and z becomes its derivative, 1 / (1 + exp(-z_ij)) -
  /// y_ij: a logistic regression for every column.
  virtual void logistic_residuals(View z, ConstView y, View loss) = 0;
  /// Column of each row's largest value; the first of several.
  virtual void argmax_rows(ConstView x, IndexView out) = 0;
  /// count (a number) += entries that a and b have in common.
  virtual void add_equal(ConstIndexView a, ConstIndexView b, View count) = 0;
  /// Every row minus its mean, then scaled to unit length; a constant row becomes zeros.
  virtual void correlate_rows(View x) = 0;
  /// out_ij = |a_i - b_j|^2, each difference formed before it is squared: exact for near rows. For few rows.
  virtual void squared_distances(ConstView a, ConstView b, View out) = 0;
  /// Columns of each row's k smallest values, ascending, the lower column first among equals: rows x k. Waits.
  [[nodiscard]] virtual std::vector<std::int32_t> smallest_of_rows(ConstView x, std::size_t k) = 0;

  // ---- clusters ----
  /// out_c = number of rows of class c.
  virtual void class_sizes(const Classes& classes, View out) = 0;
  /// The start of k-means by Arthur and Vassilvitskii in its greedy form: centre 0 becomes row `first`; of some rows
  /// drawn in proportion to their squared distance to the nearest centre so far, the one becomes the next centre that
  /// lowers the sum of these distances most. `draws`: uniform numbers in [0, 1), as many for every centre after the
  /// first. Rows must be about their mean. Calls `checkpoint` for every centre; it may throw.
  virtual void spread_centres(ConstView x, std::size_t first, std::span<const double> draws, View centres,
                              const std::function<void()>& checkpoint) = 0;
  /// A mixture that starts from the means and covariances of the rows that share a label. `floor` is added to every
  /// variance; ten times more where a covariance stays singular. Columns should be ordered by variance, the largest
  /// first.
  [[nodiscard]] virtual std::unique_ptr<Mixture> mixture(ConstView x, const Index& labels, std::size_t components,
                                                         double floor) = 0;

  // ---- pairs ----
  /// The min(count, N) rows that are nearest to each row, itself among them, ordered by squared distance and then by
  /// row number, as differences give them. Calls use(first, found) with those of the rows first, first + 1, ..., in
  /// order. Waits four times at most.
  virtual void nearest_rows(const RowSource& points, std::size_t count,
                            const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) = 0;
  /// Spearman statistics of the distances 1 - <x_i, x_j> over all pairs i < j of rows of length 1 or 0, split by
  /// whether the rows share their index. Distances are compared in steps of 2^-30: what rounding alone tells apart is
  /// a tie. Memory: 8 bytes per pair. Waits.
  [[nodiscard]] virtual PairRanks rank_pairs(ConstView x, ConstIndexView index) = 0;

  // ---- whole matrices ----
  /// out (a number) += sum of all elements.
  virtual void add_sum(ConstView x, View out) = 0;
  /// out (a number) += sum of a_ij b_ij.
  virtual void add_dot(ConstView a, ConstView b, View out) = 0;
  /// Ascending; one row.
  virtual void sort(View x) = 0;
  /// direction = -H gradient, H the inverse Hessian that the pairs, the oldest first, describe (Nocedal and Wright,
  /// "Numerical Optimization", 2nd ed., algorithm 7.4).
  virtual void lbfgs_direction(ConstView gradient, std::span<const LbfgsPair> pairs, View direction) = 0;

  // ---- made of the others ----
  /// Sum of all elements. Waits.
  [[nodiscard]] double sum(ConstView x);
  /// Spearman's correlation of the distances 1 - <x_i, x_j> and 1 - <y_i, y_j> over all pairs i < j of rows of length 1
  /// or 0, distances compared as rank_pairs does; 0 where one of them is the same for all pairs. Ranks are found on the
  /// host: 16 bytes per pair. Calls `checkpoint` now and then; it may throw. Waits once per block of rows.
  [[nodiscard]] double correlate_pairs(ConstView x, ConstView y, const std::function<void()>& checkpoint);
  /// Row-major numbers of the host as a matrix.
  [[nodiscard]] Matrix matrix_of(std::span<const double> values, std::size_t rows, std::size_t cols) {
    Matrix made = scratch(rows, cols);
    upload(values, made);
    return made;
  }
  /// The rows of a source as a matrix.
  [[nodiscard]] Matrix matrix_of(const RowSource& source) {
    Matrix made = scratch(source.rows, source.cols);
    source.read({}, [&](ConstView x, std::size_t first) { copy(x, made.rows(first, x.rows())); });
    return made;
  }
  /// The same numbers in a matrix of its own.
  [[nodiscard]] Matrix copy_of(ConstView x) {
    Matrix made = scratch(x.rows(), x.cols());
    copy(x, made);
    return made;
  }

 protected:
  /// One view and where its numbers go.
  struct Reading {
    ConstView from;        ///< on the device
    double* to = nullptr;  ///< on the host, row-major
  };
  /// Waits for the work so far and copies.
  virtual void read_numbers(std::span<const Reading> readings) = 0;
  /// The same for whole numbers.
  virtual void read_index(ConstIndexView from, std::int32_t* to) = 0;

  DeviceCounts counts_;  ///< what counts() returns
};

/// OpenBLAS and LAPACK, one thread per call; cheap to make, one per thread of work. `precision`: of products and Gram
/// matrices. Throws InputError for tf32 and tf32x3.
[[nodiscard]] std::unique_ptr<Device> make_cpu_device(Precision precision = Precision::float64);

}  // namespace itm
