// The CPU device: OpenBLAS and LAPACK on one thread, and the loops of cpu_rows.cpp.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

#include "core/page_allocator.hpp"
#include "core/row_reader.hpp"
#include "core/simd.hpp"
#include "device/cpu_clusters.hpp"
#include "device/cpu_neighbours.hpp"
#include "device/cpu_pairs.hpp"
#include "device/cpu_rows.hpp"
#include "device/memory_pool.hpp"
#include "itm/device.hpp"
#include "itm/error.hpp"
#include "linalg/blas.hpp"
#include "linalg/lapack.hpp"

namespace itm {
namespace {

template <typename Stored>
ITM_CLONES void widen(const Stored* from, double* to, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    to[j] = static_cast<double>(from[j]);
  }
}

template <typename Stored>
ITM_CLONES void widen_shifted(const Stored* from, double alpha, const double* shift, double* to, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    to[j] = static_cast<double>(from[j]) + alpha * shift[j];
  }
}

template <typename Stored>
ITM_CLONES void add_widened(const Stored* from, double* to, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    to[j] += static_cast<double>(from[j]);
  }
}

ITM_CLONES void narrow_run(const double* from, float* to, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    to[j] = static_cast<float>(from[j]);
  }
}

/// Features on the CPU stay in their file.
class CpuFeatures final : public Features {
 public:
  explicit CpuFeatures(Array array) : Features(array.rows(), array.cols()), array_(std::move(array)) {}
  [[nodiscard]] const Array& array() const { return array_; }

 private:
  Array array_;
};

/// Calls use(row first + i of the features, i) for i < count.
template <typename Use>
void for_each_row(const Features& features, ConstIndexView map, std::size_t first, std::size_t count, const Use& use) {
  const Array& array = static_cast<const CpuFeatures&>(features).array();
  // Row numbers are not negative.
  const std::span<const std::uint32_t> rows(reinterpret_cast<const std::uint32_t*>(map.data()), map.size());
  const auto read_as = [&]<typename Stored>(std::type_identity<Stored>) {
    RowReader<Stored> reader(array, rows);
    for (std::size_t i = 0; i < count; ++i) {
      use(reader.row(first + i), i);
    }
  };
  if (reads_as_double(array)) {
    read_as(std::type_identity<double>());
  } else {
    read_as(std::type_identity<float>());
  }
}

std::string no_eigenvalues(std::size_t dims) {
  return fmt::format(
      "the eigenvalues of a {0} x {0} matrix did not converge; look for extreme values in the features with itm "
      "inspect",
      dims);
}

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(Arithmetic arithmetic) : arithmetic_(arithmetic) { blas::prepare(); }

  Matrix matrix(std::size_t rows, std::size_t cols) override {
    Matrix made = scratch(rows, cols);
    std::fill_n(made.view().data(), rows * cols, 0.0);
    return made;
  }

  Matrix scratch(std::size_t rows, std::size_t cols) override { return {allocate<double>(rows * cols), rows, cols}; }
  Index index_scratch(std::size_t count) override { return {allocate<std::int32_t>(count), 1, count}; }

  Index index(std::span<const std::int32_t> values) override {
    counts_.uploaded += values.size_bytes();
    Index made = index_scratch(values.size());
    std::copy(values.begin(), values.end(), made.view().data());
    return made;
  }

  Classes classes(Index labels, std::size_t count) override {
    ++counts_.launches;
    Index order = index_scratch(labels.cols());
    Index begin = index_scratch(count + 1);
    const ConstIndexView label = labels;
    std::int32_t* starts = begin.view().data();
    std::fill_n(starts, count + 1, 0);
    for (std::size_t i = 0; i < label.cols(); ++i) {
      ++starts[label.data()[i] + 1];
    }
    std::partial_sum(starts, starts + count + 1, starts);
    std::vector<std::int32_t> next(starts, starts + count);
    for (std::size_t i = 0; i < label.cols(); ++i) {
      order.view().data()[next[static_cast<std::size_t>(label.data()[i])]++] = static_cast<std::int32_t>(i);
    }
    return {std::move(labels), std::move(order), std::move(begin)};
  }

  void upload(std::span<const double> values, View to) override {
    counts_.uploaded += values.size_bytes();
    for (std::size_t i = 0; i < to.rows(); ++i) {
      const auto from = values.subspan(i * to.cols(), to.cols());
      std::copy(from.begin(), from.end(), to.data() + i * to.stride());
    }
  }

  void copy(ConstView from, View to) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < from.rows(); ++i) {
      const double* row = from.data() + i * from.stride();
      std::copy(row, row + from.cols(), to.data() + i * to.stride());
    }
  }

  void fill(View x, double value) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      std::fill_n(x.data() + i * x.stride(), x.cols(), value);
    }
  }

  void transpose(ConstView from, View to) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < from.rows(); ++i) {
      for (std::size_t j = 0; j < from.cols(); ++j) {
        to.data()[j * to.stride() + i] = from.data()[i * from.stride() + j];
      }
    }
  }

  void diagonal(ConstView s, View out) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < s.rows(); ++i) {
      out.data()[i] = s.data()[i * s.stride() + i];
    }
  }

  std::vector<FeaturesOnDevice> open(std::span<const StoredFeatures> features, std::size_t /*workspace*/) override {
    std::vector<FeaturesOnDevice> opened;
    for (const StoredFeatures& one : features) {
      opened.push_back(std::make_shared<CpuFeatures>(*one.array));
    }
    return opened;
  }

  /// Rows that fit a core's cache together with what is computed from them.
  [[nodiscard]] std::size_t block_rows(std::size_t cols) const override {
    constexpr std::size_t block_bytes = std::size_t{512} << 10U;
    constexpr std::size_t unit = 32;  // products want whole tiles
    const std::size_t rows = block_bytes / (std::max<std::size_t>(cols, 1) * sizeof(double));
    return std::clamp<std::size_t>((rows + unit / 2) / unit * unit, 64, 8192);
  }

  /// One thing at a time: caches are worth more than launches cost.
  [[nodiscard]] std::size_t batch_bytes() const override { return 0; }

  void load(const Features& features, ConstIndexView map, std::size_t first, View to) override {
    ++counts_.launches;
    for_each_row(features, map, first, to.rows(),
                 [&](const auto* from, std::size_t i) { widen(from, to.row(i).data(), to.cols()); });
  }

  void load_shifted(const Features& features, ConstIndexView map, std::size_t first, double alpha, ConstView m,
                    ConstIndexView index, View to) override {
    ++counts_.launches;
    for_each_row(features, map, first, to.rows(), [&](const auto* from, std::size_t i) {
      const std::size_t mine = index.size() == 0 ? 0 : static_cast<std::size_t>(index.data()[i]);
      widen_shifted(from, alpha, m.row(mine).data(), to.row(i).data(), to.cols());
    });
  }

  void add_class_sums_of(const Features& features, ConstIndexView map, ClassRows rows, View s) override {
    ++counts_.launches;
    const ConstIndexView labels = rows.labels();
    for_each_row(features, map, rows.first, rows.count, [&](const auto* from, std::size_t i) {
      add_widened(from, s.row(static_cast<std::size_t>(labels.data()[i])).data(), s.cols());
    });
  }

  void add_column_sums_of(const Features& features, ConstIndexView map, std::size_t first, std::size_t count,
                          View out) override {
    ++counts_.launches;
    for_each_row(features, map, first, count,
                 [&](const auto* from, std::size_t) { add_widened(from, out.data(), out.cols()); });
  }

  void multiply(double alpha, ConstView a, Op op_a, ConstView b, Op op_b, double beta, View c) override {
    ++counts_.launches;
    const std::size_t depth = op_a == Op::none ? a.cols() : a.rows();
    if (c.size() == 0 || depth == 0) {
      return;
    }
    const blas::Op blas_a = op_a == Op::none ? blas::Op::none : blas::Op::transpose;
    const blas::Op blas_b = op_b == Op::none ? blas::Op::none : blas::Op::transpose;
    if (arithmetic_ == Arithmetic::float64) {
      blas::gemm(blas_a, blas_b, c.rows(), c.cols(), depth, alpha, a.data(), a.stride(), b.data(), b.stride(), beta,
                 c.data(), c.stride());
      return;
    }
    narrow(a, a32_);
    narrow(b, b32_);
    c32_.resize(c.size());
    blas::gemm(blas_a, blas_b, c.rows(), c.cols(), depth, static_cast<float>(alpha), a32_.data(), a.cols(), b32_.data(),
               b.cols(), 0.0F, c32_.data(), c.cols());
    for (std::size_t i = 0; i < c.rows(); ++i) {
      double* to = c.data() + i * c.stride();
      const float* from = c32_.data() + i * c.cols();
      for (std::size_t j = 0; j < c.cols(); ++j) {
        to[j] = (beta == 0.0 ? 0.0 : beta * to[j]) + static_cast<double>(from[j]);
      }
    }
  }

  void add_gram(double alpha, ConstView a, View s) override {
    ++counts_.launches;
    if (a.rows() == 0) {
      return;
    }
    if (arithmetic_ == Arithmetic::float64) {
      blas::add_gram_lower(a.cols(), a.rows(), alpha, a.data(), a.stride(), 1.0, s.data(), s.stride());
      return;
    }
    narrow(a, a32_);
    c32_.resize(s.size());
    blas::add_gram_lower(a.cols(), a.rows(), static_cast<float>(alpha), a32_.data(), a.cols(), 0.0F, c32_.data(),
                         s.cols());
    for (std::size_t i = 0; i < s.rows(); ++i) {
      double* to = s.data() + i * s.stride();
      const float* from = c32_.data() + i * s.cols();
      for (std::size_t j = 0; j <= i; ++j) {
        to[j] += static_cast<double>(from[j]);
      }
    }
  }

  void symmetrise(View s) override {
    ++counts_.launches;
    // In tiles: the upper triangle is written column by column otherwise.
    constexpr std::size_t tile = 32;
    for (std::size_t i0 = 0; i0 < s.rows(); i0 += tile) {
      for (std::size_t j0 = 0; j0 <= i0; j0 += tile) {
        for (std::size_t i = i0; i < std::min(i0 + tile, s.rows()); ++i) {
          for (std::size_t j = j0; j < std::min(j0 + tile, i); ++j) {
            s.data()[j * s.stride() + i] = s.data()[i * s.stride() + j];
          }
        }
      }
    }
  }

  bool cholesky(View s) override {
    ++counts_.launches;
    ++counts_.waits;
    return lapack::cholesky_lower(s.rows(), s.data(), s.stride());
  }
  void log_dets_of_one_plus(std::span<const Matrix> s, View out) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < s.size(); ++i) {
      const View factor = s[i];
      for (std::size_t j = 0; j < factor.rows(); ++j) {
        factor.data()[j * factor.stride() + j] += 1;
      }
      double total = std::numeric_limits<double>::quiet_NaN();
      if (lapack::cholesky_lower(factor.rows(), factor.data(), factor.stride())) {
        total = 0;
        for (std::size_t j = 0; j < factor.rows(); ++j) {
          total += 2 * std::log(factor.data()[j * factor.stride() + j]);
        }
      }
      out.data()[i] = total;
    }
  }
  void solve_rows(ConstView l, View b) override {
    ++counts_.launches;
    lapack::solve_rows_lower(b.rows(), b.cols(), l.data(), l.stride(), b.data(), b.stride());
  }
  void whiten_rows(ConstView l, View b) override {
    ++counts_.launches;
    lapack::whiten_rows_lower(b.rows(), b.cols(), l.data(), l.stride(), b.data(), b.stride());
  }

  void symmetric_eigen(View s, View values) override {
    ++counts_.launches;
    if (!lapack::symmetric_eigen_lower(s.rows(), s.data(), s.stride(), values.data())) {
      throw NumericError(no_eigenvalues(s.rows()));
    }
  }

  void add_to_diagonal(double value, View s) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < s.rows(); ++i) {
      s.data()[i * s.stride() + i] += value;
    }
  }
  void scale(double factor, View x) override {
    ++counts_.launches;
    cpu::scale(factor, x);
  }
  void map(Map what, View x) override {
    ++counts_.launches;
    cpu::map(what, x);
  }
  void add(double alpha, ConstView x, View y) override {
    ++counts_.launches;
    cpu::add(alpha, x, y);
  }
  void add_class_sums(ConstView x, ClassRows rows, View s) override {
    ++counts_.launches;
    cpu::add_class_sums(x, rows.labels(), s);
  }
  void add_weighted_class_sums(ConstView w, ConstView x, ClassRows rows, View s) override {
    ++counts_.launches;
    cpu::add_weighted_class_sums(w, x, rows.labels(), s);
  }
  void class_moments(ConstView x, const Classes& classes, View mean, View variance) override {
    ++counts_.launches;
    cpu::class_moments(x, classes.order(), classes.begin(), mean, variance);
  }
  void add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x) override {
    ++counts_.launches;
    cpu::add_indexed_rows(alpha, m, index, x);
  }
  void add_to_rows(double alpha, ConstView v, View x) override {
    ++counts_.launches;
    cpu::add_to_rows(alpha, v, x);
  }
  void gather_rows(ConstView from, ConstIndexView index, View to) override {
    ++counts_.launches;
    cpu::gather_rows(from, index, to);
  }
  void scale_columns(ConstView v, View x) override {
    ++counts_.launches;
    cpu::scale_columns(v, x);
  }
  void scale_rows(ConstView v, View x) override {
    ++counts_.launches;
    cpu::scale_rows(v, x);
  }
  void clamp_rows(ConstView most, View x) override {
    ++counts_.launches;
    cpu::clamp_rows(most, x);
  }
  void add_column_sums(ConstView x, View out) override {
    ++counts_.launches;
    cpu::add_column_sums(x, out);
  }
  void add_column_squares(ConstView x, View out) override {
    ++counts_.launches;
    cpu::add_column_squares(x, out);
  }
  void inverse_deviations(ConstView mean, ConstView variance, double noise, View out) override {
    ++counts_.launches;
    cpu::inverse_deviations(mean, variance, noise, out);
  }
  void fix_column_signs(View x) override {
    ++counts_.launches;
    cpu::fix_column_signs(x);
  }
  void row_squares(ConstView x, View out) override {
    ++counts_.launches;
    cpu::row_squares(x, out);
  }
  void indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out) override {
    ++counts_.launches;
    cpu::indexed_row_dots(a, b, index, out);
  }
  void pick(ConstView x, ConstIndexView index, View out) override {
    ++counts_.launches;
    cpu::pick(x, index, out);
  }
  void softmax_rows(View x) override {
    ++counts_.launches;
    cpu::softmax_rows(x);
  }
  void log_sum_exp_rows(ConstView x, View out) override {
    ++counts_.launches;
    cpu::log_sum_exp_rows(x, out);
  }
  void add_cross_entropy(ConstView z, ConstIndexView labels, View loss) override {
    ++counts_.launches;
    *loss.data() += cpu::cross_entropy(z, labels);
  }
  void softmax_cross_entropy(View z, ConstIndexView labels, View loss) override {
    ++counts_.launches;
    *loss.data() += cpu::softmax_cross_entropy(z, labels);
  }
  void logistic_residuals(View z, ConstView y, View loss) override {
    ++counts_.launches;
    *loss.data() += cpu::logistic_residuals(z, y);
  }
  void argmax_rows(ConstView x, IndexView out) override {
    ++counts_.launches;
    cpu::argmax_rows(x, out);
  }
  void add_equal(ConstIndexView a, ConstIndexView b, View count) override {
    ++counts_.launches;
    for (std::size_t i = 0; i < a.size(); ++i) {
      *count.data() += a.data()[i] == b.data()[i] ? 1 : 0;
    }
  }
  void correlate_rows(View x) override {
    ++counts_.launches;
    cpu::correlate_rows(x);
  }
  void squared_distances(ConstView a, ConstView b, View out) override {
    ++counts_.launches;
    cpu::squared_distances(a, b, out);
  }
  void class_sizes(const Classes& classes, View out) override {
    ++counts_.launches;
    const std::int32_t* begin = classes.begin().data();
    for (std::size_t c = 0; c < classes.count(); ++c) {
      out.data()[c] = begin[c + 1] - begin[c];
    }
  }
  void spread_centres(ConstView x, std::size_t first, std::span<const double> draws, View centres,
                      const std::function<void()>& checkpoint) override {
    cpu::spread_centres(*this, x, first, draws, centres, checkpoint);
  }
  std::unique_ptr<Mixture> mixture(ConstView x, const Index& labels, std::size_t components, double floor) override {
    return cpu::make_mixture(*this, x, {labels.view().data(), labels.cols()}, components, floor);
  }
  std::vector<std::int32_t> smallest_of_rows(ConstView x, std::size_t k) override {
    ++counts_.launches;
    ++counts_.waits;
    return cpu::smallest_of_rows(x, k);
  }
  void nearest_rows(const RowSource& points, std::size_t count,
                    const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) override {
    ++counts_.launches;
    ++counts_.waits;
    cpu::nearest_rows(points, count, use);
  }
  PairRanks rank_pairs(ConstView x, ConstIndexView index) override {
    ++counts_.launches;
    ++counts_.waits;
    return cpu::rank_pairs(x, index);
  }
  void add_sum(ConstView x, View out) override {
    ++counts_.launches;
    *out.data() += cpu::sum(x);
  }
  void add_dot(ConstView a, ConstView b, View out) override {
    ++counts_.launches;
    *out.data() += cpu::dot(a, b);
  }
  void sort(View x) override {
    ++counts_.launches;
    cpu::sort(x.data(), x.cols());
  }

  void lbfgs_direction(ConstView gradient, std::span<const LbfgsPair> pairs, View direction) override {
    ++counts_.launches;
    const auto curvature = [](const LbfgsPair& pair) { return pair.products.view().data()[0]; };
    copy(gradient, direction);
    std::vector<double> share(pairs.size());
    for (std::size_t i = pairs.size(); i-- > 0;) {
      share[i] = cpu::dot(pairs[i].s, direction) / curvature(pairs[i]);
      cpu::add(-share[i], pairs[i].y, direction);
    }
    if (!pairs.empty()) {
      cpu::scale(curvature(pairs.back()) / pairs.back().products.view().data()[1], direction);
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      cpu::add(share[i] - cpu::dot(pairs[i].y, direction) / curvature(pairs[i]), pairs[i].s, direction);
    }
    cpu::scale(-1, direction);
  }

 protected:
  void read_numbers(std::span<const Reading> readings) override {
    for (const Reading& one : readings) {
      for (std::size_t i = 0; i < one.from.rows(); ++i) {
        const double* row = one.from.data() + i * one.from.stride();
        std::copy(row, row + one.from.cols(), one.to + i * one.from.cols());
      }
    }
  }
  void read_index(ConstIndexView from, std::int32_t* to) override { std::copy_n(from.data(), from.cols(), to); }

 private:
  template <typename T>
  std::shared_ptr<T> allocate(std::size_t count) {
    const auto memory = pool_.take(std::max<std::size_t>(count, 1) * sizeof(T));
    return {memory, reinterpret_cast<T*>(memory.get())};
  }

  static void narrow(ConstView x, PageVector<float>& out) {
    out.resize(x.size());
    for (std::size_t i = 0; i < x.rows(); ++i) {
      narrow_run(x.data() + i * x.stride(), out.data() + i * x.cols(), x.cols());
    }
  }

  Arithmetic arithmetic_;
  MemoryPool pool_;
  PageVector<float> a32_;
  PageVector<float> b32_;
  PageVector<float> c32_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(Arithmetic arithmetic) { return std::make_unique<CpuDevice>(arithmetic); }

}  // namespace itm
