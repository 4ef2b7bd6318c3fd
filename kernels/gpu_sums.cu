#include "kernels/gpu_device_class.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// Algorithm 7.4 of Nocedal and Wright on the products of s_0, ..., y_0, ..., g: H g = sum of shares times vectors.
__device__ void two_loops(const Grid<double>& product, std::uint32_t pairs, double* share) {
  const std::uint32_t vectors = 2 * pairs + 1;
  const auto times = [&](std::uint32_t vector) {
    double sum = 0;
    for (std::uint32_t v = 0; v < vectors; ++v) {
      sum += share[v] * product(vector, v);
    }
    return sum;
  };
  for (std::uint32_t v = 0; v < vectors; ++v) {
    share[v] = v + 1 == vectors ? 1 : 0;
  }
  if (pairs == 0) {
    return;
  }
  // The shares of y hold minus alpha until the second loop needs it.
  for (std::uint32_t i = pairs; i-- > 0;) {
    share[pairs + i] -= times(i) / product(i, pairs + i);
  }
  const std::uint32_t last = pairs - 1;
  const double factor = product(last, pairs + last) / product(pairs + last, pairs + last);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    share[v] *= factor;
  }
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const double alpha = -share[pairs + i] / factor;
    share[i] += alpha - times(pairs + i) / product(i, pairs + i);
  }
}

}  // namespace

void GpuDevice::add_sum(ConstView x, View out) {
  const auto cols = cols_of(x);
  reduce_all(
      memory_, x.size(), 8 * x.size(),
      [x = grid(x), cols] __device__(std::uint64_t e) { return x(e / cols, e % cols); }, out);
}

void GpuDevice::add_dot(ConstView a, ConstView b, View out) {
  const auto cols = cols_of(a);
  reduce_all(
      memory_, a.size(), 16 * a.size(),
      [a = grid(a), b = grid(b), cols] __device__(std::uint64_t e) {
        return a(e / cols, e % cols) * b(e / cols, e % cols);
      },
      out);
}

void GpuDevice::sort(View x) {
  if (x.cols() > 1) {
    api_.sort(x.data(), x.cols());
  }
}

void GpuDevice::lbfgs_direction(ConstView gradient, std::span<const LbfgsPair> pairs, View direction) {
  // The two loops of the algorithm need products of the pairs and the gradient only: first all of these, then the
  // loops over numbers, then one sum of all vectors.
  std::vector<const double*> address;
  for (const LbfgsPair& pair : pairs) {
    address.push_back(pair.s.view().data());
  }
  for (const LbfgsPair& pair : pairs) {
    address.push_back(pair.y.view().data());
  }
  address.push_back(gradient.data());
  const auto vectors = static_cast<std::uint32_t>(address.size());
  const auto count = static_cast<std::uint32_t>(pairs.size());
  const auto array = memory_.sent(address);
  const double* const* vector = array.get();
  const std::size_t length = gradient.size();
  const Matrix products = scratch(vectors, vectors);
  const Matrix shares = scratch(1, vectors);
  each_row(api_, static_cast<std::size_t>(vectors) * vectors, 8 * length * vectors,
           [=, p = grid(products.view())] __device__(std::uint32_t pair, std::uint32_t lane) {
             const std::uint32_t later = pair / vectors;
             const std::uint32_t earlier = pair % vectors;
             if (later < earlier) {
               return;  // the product of these two is written in both of its places
             }
             const double* a = vector[later];
             const double* b = vector[earlier];
             double sum = 0;
             const std::size_t end = later < count ? 0 : length;  // nobody asks for those of two s
             for (std::size_t e = lane; e < end; e += warp_size) {
               sum += a[e] * b[e];
             }
             sum = warp_sum(sum);
             if (lane == 0) {
               p(later, earlier) = sum;
               p(earlier, later) = sum;
             }
           });
  each(api_, 1, 1, 8 * products.size(),
       [=, p = grid(products.view()), share = grid(shares.view())] __device__(std::uint32_t, std::uint32_t) {
         two_loops(p, count, share.data);
       });
  elements(direction, length * vectors,
           [=, share = grid(shares.view()), y = grid(direction)] __device__(std::uint32_t i, std::uint32_t j) {
             const std::uint64_t e = static_cast<std::uint64_t>(i) * y.cols + j;
             double sum = 0;
             for (std::uint32_t v = 0; v < vectors; ++v) {
               sum += share[v] * vector[v][e];
             }
             y(i, j) = -sum;
           });
}

}  // namespace itm::ITM_KERNELS
