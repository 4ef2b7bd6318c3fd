// The CPU device: OpenBLAS and LAPACK on one thread, and the loops of cpu_rows.cpp.

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "core/page_allocator.hpp"
#include "core/row_reader.hpp"
#include "core/simd.hpp"
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

/// Calls use(row first + i of the file, i) for i < count.
template <typename Use>
void for_each_row(const Array& array, std::span<const std::uint32_t> map, std::size_t first, std::size_t count,
                  const Use& use) {
  const auto read_as = [&]<typename Stored>(std::type_identity<Stored>) {
    RowReader<Stored> reader(array, map);
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

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(Arithmetic arithmetic) : arithmetic_(arithmetic) { blas::prepare(); }

  Matrix matrix(std::size_t rows, std::size_t cols) override {
    Matrix made = scratch(rows, cols);
    std::fill_n(made.view().data(), rows * cols, 0.0);
    return made;
  }

  Matrix scratch(std::size_t rows, std::size_t cols) override { return {allocate<double>(rows * cols), rows, cols}; }

  Index index(std::span<const std::int32_t> values) override {
    auto memory = allocate<std::int32_t>(values.size());
    std::copy(values.begin(), values.end(), memory.get());
    return {std::move(memory), 1, values.size()};
  }

  void upload(std::span<const double> values, View to) override {
    for (std::size_t i = 0; i < to.rows(); ++i) {
      const auto from = values.subspan(i * to.cols(), to.cols());
      std::copy(from.begin(), from.end(), to.data() + i * to.stride());
    }
  }

  using Device::download;
  void download(View from, std::span<double> values) override {
    for (std::size_t i = 0; i < from.rows(); ++i) {
      const double* row = from.data() + i * from.stride();
      std::copy(row, row + from.cols(), values.begin() + static_cast<std::ptrdiff_t>(i * from.cols()));
    }
  }

  void copy(View from, View to) override {
    for (std::size_t i = 0; i < from.rows(); ++i) {
      const double* row = from.data() + i * from.stride();
      std::copy(row, row + from.cols(), to.data() + i * to.stride());
    }
  }

  void fill(View x, double value) override {
    for (std::size_t i = 0; i < x.rows(); ++i) {
      std::fill_n(x.data() + i * x.stride(), x.cols(), value);
    }
  }

  void transpose(View from, View to) override {
    for (std::size_t i = 0; i < from.rows(); ++i) {
      for (std::size_t j = 0; j < from.cols(); ++j) {
        to.data()[j * to.stride() + i] = from.data()[i * from.stride() + j];
      }
    }
  }

  void diagonal(View s, View out) override {
    for (std::size_t i = 0; i < s.rows(); ++i) {
      out.data()[i] = s.data()[i * s.stride() + i];
    }
  }

  void load(const Array& array, std::span<const std::uint32_t> map, std::size_t first, View to) override {
    for_each_row(array, map, first, to.rows(),
                 [&](const auto* from, std::size_t i) { widen(from, to.row(i).data(), to.cols()); });
  }

  void load_shifted(const Array& array, std::span<const std::uint32_t> map, std::size_t first, double alpha, View m,
                    IndexView index, View to) override {
    for_each_row(array, map, first, to.rows(), [&](const auto* from, std::size_t i) {
      const std::size_t mine = index.size() == 0 ? 0 : static_cast<std::size_t>(index.data()[i]);
      widen_shifted(from, alpha, m.row(mine).data(), to.row(i).data(), to.cols());
    });
  }

  void add_class_sums_of(const Array& array, std::span<const std::uint32_t> map, std::size_t first, IndexView index,
                         View s) override {
    for_each_row(array, map, first, index.size(), [&](const auto* from, std::size_t i) {
      add_widened(from, s.row(static_cast<std::size_t>(index.data()[i])).data(), s.cols());
    });
  }

  void multiply(double alpha, View a, Op op_a, View b, Op op_b, double beta, View c) override {
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

  void add_gram(double alpha, View a, View s) override {
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

  void apply_symmetric(View s, View x, View y) override {
    // Rows of S are its columns: one dot product each.
    blas::gemm(blas::Op::none, blas::Op::transpose, 1, s.rows(), s.cols(), 1.0, x.data(), x.stride(), s.data(),
               s.stride(), 0.0, y.data(), y.stride());
  }

  bool cholesky(View s) override { return lapack::cholesky_lower(s.rows(), s.data(), s.stride()); }
  void solve_rows(View l, View b) override {
    lapack::solve_rows_lower(b.rows(), b.cols(), l.data(), l.stride(), b.data(), b.stride());
  }
  void whiten_rows(View l, View b) override {
    lapack::whiten_rows_lower(b.rows(), b.cols(), l.data(), l.stride(), b.data(), b.stride());
  }

  void symmetric_eigen(View s, View values) override {
    if (!lapack::symmetric_eigen_lower(s.rows(), s.data(), s.stride(), values.data())) {
      throw NumericError(fmt::format(
          "the eigenvalues of a {0} x {0} matrix did not converge; look for extreme values in the features with itm "
          "inspect",
          s.rows()));
    }
  }

  void scale(double factor, View x) override { cpu::scale(factor, x); }
  void add(double alpha, View x, View y) override { cpu::add(alpha, x, y); }
  void add_to_diagonal(double value, View s) override {
    for (std::size_t i = 0; i < s.rows(); ++i) {
      s.data()[i * s.stride() + i] += value;
    }
  }
  void add_class_sums(View x, IndexView index, View s) override { cpu::add_class_sums(x, index, s); }
  void add_weighted_class_sums(View w, View x, IndexView index, View s) override {
    cpu::add_weighted_class_sums(w, x, index, s);
  }
  void add_indexed_rows(double alpha, View m, IndexView index, View x) override {
    cpu::add_indexed_rows(alpha, m, index, x);
  }
  void add_to_rows(double alpha, View v, View x) override { cpu::add_to_rows(alpha, v, x); }
  void gather_rows(View from, IndexView index, View to) override { cpu::gather_rows(from, index, to); }
  void scale_columns(View v, View x) override { cpu::scale_columns(v, x); }
  void scale_rows(View v, View x) override { cpu::scale_rows(v, x); }
  void clamp_rows(View most, View x) override { cpu::clamp_rows(most, x); }
  void add_column_sums(View x, View out) override { cpu::add_column_sums(x, out); }
  void add_column_squares(View x, View out) override { cpu::add_column_squares(x, out); }
  void row_squares(View x, View out) override { cpu::row_squares(x, out); }
  void indexed_row_dots(View a, View b, IndexView index, View out) override { cpu::indexed_row_dots(a, b, index, out); }
  void pick(View x, IndexView index, View out) override {
    for (std::size_t i = 0; i < x.rows(); ++i) {
      out.data()[i] = x.data()[i * x.stride() + static_cast<std::size_t>(index.data()[i])];
    }
  }
  void softmax_rows(View x) override { cpu::softmax_rows(x); }
  void log_sum_exp_rows(View x, View out) override { cpu::log_sum_exp_rows(x, out); }
  std::vector<std::int32_t> argmax_rows(View x) override { return cpu::argmax_rows(x); }
  void correlate_rows(View x) override { cpu::correlate_rows(x); }
  void squared_distances(View a, View b, View out) override { cpu::squared_distances(a, b, out); }
  std::vector<std::int32_t> smallest_of_rows(View x, std::size_t k) override { return cpu::smallest_of_rows(x, k); }
  PairRanks rank_pairs(View x, IndexView index) override { return cpu::rank_pairs(x, index); }
  double sum(View x) override { return cpu::sum(x); }
  void sort(View x) override { cpu::sort(x.data(), x.cols()); }

 private:
  template <typename T>
  std::shared_ptr<T> allocate(std::size_t count) {
    const auto memory = pool_.take(std::max<std::size_t>(count, 1) * sizeof(T));
    return {memory, reinterpret_cast<T*>(memory.get())};
  }

  static void narrow(View x, PageVector<float>& out) {
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
