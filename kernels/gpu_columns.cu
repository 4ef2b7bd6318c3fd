#include <cmath>

#include "kernels/gpu_device_class.cuh"

namespace itm::ITM_KERNELS {

void GpuDevice::scale(double factor, View x) {
  elements(x, x.size(), [x = grid(x), factor] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) *= factor; });
}

void GpuDevice::map(Map what, View x) {
  elements(x, x.size(), [x = grid(x), what] __device__(std::uint32_t i, std::uint32_t j) {
    const double value = x(i, j);
    switch (what) {
      case Map::inverse:
        x(i, j) = value > 0 ? 1 / value : 0;
        break;
      case Map::inverse_root:
        x(i, j) = value > 0 ? 1 / sqrt(value) : 0;
        break;
      case Map::is_zero:
        x(i, j) = value == 0 ? 1 : 0;
        break;
    }
  });
}

void GpuDevice::add(double alpha, ConstView x, View y) {
  elements(y, x.size() + y.size(), [alpha, x = grid(x), y = grid(y)] __device__(std::uint32_t i, std::uint32_t j) {
    y(i, j) += alpha * x(i, j);
  });
}

void GpuDevice::add_to_diagonal(double value, View s) {
  each(api_, 1, s.rows(), 16 * s.rows(),
       [value, s = grid(s)] __device__(std::uint32_t, std::uint32_t j) { s(j, j) += value; });
}

void GpuDevice::add_class_sums(ConstView x, ClassRows rows, View s) {
  const std::size_t first = rows.first;
  reduce_classes(
      memory_, rows, s.cols(), 8 * x.size(),
      [x = grid(x), first] __device__(std::uint32_t, std::uint32_t row, std::uint32_t j) { return x(row - first, j); },
      s);
}

void GpuDevice::add_weighted_class_sums(ConstView w, ConstView x, ClassRows rows, View s) {
  const std::size_t first = rows.first;
  reduce_classes(
      memory_, rows, s.cols(), 8 * x.size(),
      [w = grid(w), x = grid(x), first] __device__(std::uint32_t, std::uint32_t row, std::uint32_t j) {
        return w[row - first] * x(row - first, j);
      },
      s);
}

void GpuDevice::class_moments(ConstView x, const Classes& classes, View mean, View variance) {
  const Matrix inverse = scratch(1, classes.count());
  class_sizes(classes, inverse);
  map(Map::inverse, inverse);
  fill(mean, 0);
  add_class_sums(x, classes.rows(), mean);
  scale_rows(inverse, mean);
  fill(variance, 0);
  reduce_classes(
      memory_, classes.rows(), x.cols(), 8 * x.size(),
      [x = grid(x), m = grid(ConstView(mean))] __device__(std::uint32_t c, std::uint32_t row, std::uint32_t j) {
        const double gap = x(row, j) - m(c, j);
        return gap * gap;
      },
      variance);
  scale_rows(inverse, variance);
}

void GpuDevice::add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x) {
  elements(x, 2 * x.size(),
           [alpha, m = grid(m), row = index.data(), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) {
             x(i, j) += alpha * m(static_cast<std::uint32_t>(row[i]), j);
           });
}

void GpuDevice::add_to_rows(double alpha, ConstView v, View x) {
  elements(x, x.size(),
           [alpha, v = grid(v), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) += alpha * v[j]; });
}

void GpuDevice::gather_rows(ConstView from, ConstIndexView index, View to) {
  elements(to, to.size(),
           [x = grid(from), row = index.data(), y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) {
             y(i, j) = x(static_cast<std::uint32_t>(row[i]), j);
           });
}

void GpuDevice::scale_columns(ConstView v, View x) {
  elements(x, x.size(), [v = grid(v), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) *= v[j]; });
}

void GpuDevice::scale_rows(ConstView v, View x) {
  elements(x, x.size(), [v = grid(v), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) *= v[i]; });
}

void GpuDevice::clamp_rows(ConstView most, View x) {
  elements(x, x.size(), [most = grid(most), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) {
    const double low = x(i, j) < most[j] ? x(i, j) : most[j];
    x(i, j) = low > 0 ? low : 0;
  });
}

void GpuDevice::add_column_sums(ConstView x, View out) {
  reduce_columns(
      memory_, x.rows(), x.cols(), 8 * x.size(),
      [x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { return x(i, j); }, out);
}

void GpuDevice::add_column_squares(ConstView x, View out) {
  reduce_columns(
      memory_, x.rows(), x.cols(), 8 * x.size(),
      [x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { return x(i, j) * x(i, j); }, out);
}

void GpuDevice::inverse_deviations(ConstView mean, ConstView variance, double noise, View out) {
  elements(out, 2 * out.size(),
           [m = grid(mean), v = grid(variance), noise, y = grid(out)] __device__(std::uint32_t, std::uint32_t j) {
             const double deviation = sqrt(v[j]);
             y[j] = deviation > noise * fabs(m[j]) ? 1 / deviation : 1;
           });
}

void GpuDevice::fix_column_signs(View x) {
  // The largest entry of every piece of a column, then the largest of those.
  const std::uint32_t pieces = column_pieces(x.rows());
  const Matrix peaks = scratch(pieces, x.cols());
  const std::size_t rows = x.rows();
  elements(peaks, x.size(), [=, x = grid(x), p = grid(peaks.view())] __device__(std::uint32_t piece, std::uint32_t j) {
    double peak = 0;
    for (std::uint64_t i = rows * piece / pieces; i < rows * (piece + 1) / pieces; ++i) {
      peak = fabs(x(i, j)) > fabs(peak) ? x(i, j) : peak;
    }
    p(piece, j) = peak;
  });
  const Matrix signs = scratch(1, x.cols());
  elements(signs, peaks.size(),
           [=, p = grid(peaks.view()), y = grid(signs.view())] __device__(std::uint32_t, std::uint32_t j) {
             double peak = 0;
             for (std::uint32_t piece = 0; piece < pieces; ++piece) {
               peak = fabs(p(piece, j)) > fabs(peak) ? p(piece, j) : peak;
             }
             y[j] = peak < 0 ? -1 : 1;
           });
  scale_columns(signs, x);
}

}  // namespace itm::ITM_KERNELS
