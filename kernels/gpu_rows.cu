#include <algorithm>
#include <cmath>

#include "kernels/gpu_device_class.cuh"
#include "kernels/gpu_neighbours.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// max_j x_ij, for all lanes.
template <typename T>
__device__ double largest_of_row(const Grid<T>& x, std::uint32_t i, std::uint32_t lane) {
  double most = -HUGE_VAL;
  for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
    most = x(i, j) > most ? x(i, j) : most;
  }
  return warp_max(most);
}

/// log sum_j exp(x_ij), for all lanes.
__device__ double log_sum_exp(const Grid<const double>& x, std::uint32_t i, std::uint32_t lane) {
  const double most = largest_of_row(x, i, lane);
  double sum = 0;
  for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
    sum += exp(x(i, j) - most);
  }
  return most + log(warp_sum(sum));
}

/// The same; row i becomes its soft-max.
__device__ double soft_max(const Grid<double>& x, std::uint32_t i, std::uint32_t lane) {
  const double most = largest_of_row(x, i, lane);
  double sum = 0;
  for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
    x(i, j) = exp(x(i, j) - most);
    sum += x(i, j);
  }
  sum = warp_sum(sum);
  for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
    x(i, j) *= 1 / sum;
  }
  return most + log(sum);
}

}  // namespace

void GpuDevice::row_squares(ConstView x, View out) {
  reduce_rows(
      memory_, x.rows(), x.cols(), 8 * x.size(),
      [x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { return x(i, j) * x(i, j); }, out);
}

void GpuDevice::indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out) {
  reduce_rows(
      memory_, a.rows(), a.cols(), 16 * a.size(),
      [a = grid(a), b = grid(b), row = index.data()] __device__(std::uint32_t i, std::uint32_t j) {
        return a(i, j) * b(static_cast<std::uint32_t>(row[i]), j);
      },
      out);
}

void GpuDevice::pick(ConstView x, ConstIndexView index, View out) {
  each(api_, 1, x.rows(), 20 * x.rows(),
       [x = grid(x), col = index.data(), y = grid(out)] __device__(std::uint32_t, std::uint32_t i) {
         y[i] = x(i, static_cast<std::uint32_t>(col[i]));
       });
}

void GpuDevice::softmax_rows(View x) {
  each_row(api_, x.rows(), 16 * x.size(),
           [x = grid(x)] __device__(std::uint32_t i, std::uint32_t lane) { (void)soft_max(x, i, lane); });
}

void GpuDevice::log_sum_exp_rows(ConstView x, View out) {
  each_row(api_, x.rows(), 8 * x.size(), [x = grid(x), y = grid(out)] __device__(std::uint32_t i, std::uint32_t lane) {
    const double total = log_sum_exp(x, i, lane);
    if (lane == 0) {
      y[i] = total;
    }
  });
}

void GpuDevice::add_cross_entropy(ConstView z, ConstIndexView labels, View loss) {
  const Matrix losses = scratch(1, z.rows());
  each_row(api_, z.rows(), 8 * z.size(),
           [z = grid(z), col = labels.data(), y = grid(losses.view())] __device__(std::uint32_t i, std::uint32_t lane) {
             const double total = log_sum_exp(z, i, lane);
             if (lane == 0) {
               y[i] = total - z(i, static_cast<std::uint32_t>(col[i]));
             }
           });
  add_sum(losses, loss);
}

void GpuDevice::softmax_cross_entropy(View z, ConstIndexView labels, View loss) {
  const Matrix losses = scratch(1, z.rows());
  each_row(api_, z.rows(), 16 * z.size(),
           [z = grid(z), col = labels.data(), y = grid(losses.view())] __device__(std::uint32_t i, std::uint32_t lane) {
             const double own = z(i, static_cast<std::uint32_t>(col[i]));
             const double total = soft_max(z, i, lane);
             if (lane == 0) {
               y[i] = total - own;
             }
           });
  add_sum(losses, loss);
}

void GpuDevice::logistic_residuals(View z, ConstView y, View loss) {
  const Matrix losses = scratch(1, z.rows());
  each_row(api_, z.rows(), 24 * z.size(),
           [z = grid(z), y = grid(y), out = grid(losses.view())] __device__(std::uint32_t i, std::uint32_t lane) {
             double total = 0;
             for (std::uint32_t j = lane; j < z.cols; j += warp_size) {
               const double logit = z(i, j);
               const double tail = exp(-fabs(logit));
               total += fmax(logit, 0.0) + log1p(tail) - y(i, j) * logit;
               z(i, j) = (logit >= 0 ? 1 / (1 + tail) : tail / (1 + tail)) - y(i, j);
             }
             total = warp_sum(total);
             if (lane == 0) {
               out[i] = total;
             }
           });
  add_sum(losses, loss);
}

void GpuDevice::argmax_rows(ConstView x, IndexView out) {
  std::int32_t* best = out.data();
  each_row(api_, x.rows(), 8 * x.size(), [x = grid(x), best] __device__(std::uint32_t i, std::uint32_t lane) {
    Peak<double> peak{-HUGE_VAL, 0xFFFFFFFFU};
    for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
      if (x(i, j) > peak.value || peak.index == 0xFFFFFFFFU) {
        peak = {x(i, j), j};
      }
    }
    peak = warp_peak(peak);
    if (lane == 0) {
      best[i] = static_cast<std::int32_t>(peak.index);
    }
  });
}

void GpuDevice::add_equal(ConstIndexView a, ConstIndexView b, View count) {
  reduce_all(
      memory_, a.size(), 8 * a.size(),
      [a = a.data(), b = b.data()] __device__(std::uint64_t e) { return a[e] == b[e] ? 1.0 : 0.0; }, count);
}

void GpuDevice::correlate_rows(View x) {
  each_row(api_, x.rows(), 16 * x.size(), [x = grid(x)] __device__(std::uint32_t i, std::uint32_t lane) {
    double sum = 0;
    for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
      sum += x(i, j);
    }
    const double mean = warp_sum(sum) / x.cols;
    double squares = 0;
    for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
      x(i, j) -= mean;
      squares += x(i, j) * x(i, j);
    }
    const double length = sqrt(warp_sum(squares));
    const double noise = 1e-15 * fabs(mean) * x.cols;  // what is left of a constant row
    const double factor = length > noise ? 1 / length : 0;
    for (std::uint32_t j = lane; j < x.cols; j += warp_size) {
      x(i, j) *= factor;
    }
  });
}

void GpuDevice::squared_distances(ConstView a, ConstView b, View out) {
  const auto others = rows_of(b);
  each_row(api_, out.size(), 8 * (a.size() * b.rows() + out.size()),
           [=, a = grid(a), b = grid(b), y = grid(out)] __device__(std::uint32_t pair, std::uint32_t lane) {
             const std::uint32_t i = pair / others;
             const std::uint32_t k = pair % others;
             double sum = 0;
             for (std::uint32_t j = lane; j < a.cols; j += warp_size) {
               sum += (a(i, j) - b(k, j)) * (a(i, j) - b(k, j));
             }
             sum = warp_sum(sum);
             if (lane == 0) {
               y(i, k) = sum;
             }
           });
}

std::vector<std::int32_t> GpuDevice::smallest_of_rows(ConstView x, std::size_t k) {
  const std::size_t count = std::min(k, x.cols());
  const Index found = index_scratch(x.rows() * count);
  select_smallest(api_, x, {found.view().data(), nullptr, static_cast<std::uint32_t>(count)});
  return read(ConstIndexView(found));
}

}  // namespace itm::ITM_KERNELS
