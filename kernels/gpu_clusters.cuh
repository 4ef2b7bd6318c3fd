#pragma once
// The start of k-means and Gaussian mixtures on a GPU: every row and every component at every step, since what the CPU
// gains by leaving rows out (src/device/cpu_mixture.cpp) a GPU would lose in waits. Nothing is read for the start; a
// step of expectation maximisation reads twice.

#include <functional>
#include <limits>
#include <numbers>
#include <span>

#include "itm/error.hpp"
#include "kernels/gpu_memory.cuh"

namespace itm::ITM_KERNELS {

/// Device::spread_centres. Sums over rows are cut into pieces, so a draw picks its piece first.
inline void gpu_spread_centres(Device& device, const GpuMemory& memory, ConstView x, std::size_t first,
                               std::span<const double> draws, View centres, const std::function<void()>& checkpoint) {
  const std::size_t n = x.rows();
  const std::size_t clusters = centres.rows();
  const std::size_t most_trials = clusters > 1 ? draws.size() / (clusters - 1) : 1;
  const std::uint32_t pieces = pieces_of(n);
  DeviceApi& api = memory.api();
  const Matrix draw = device.matrix_of(draws, 1, draws.size());
  const Matrix squares = memory.matrix(1, n);
  device.row_squares(x, squares);
  const Matrix closest = memory.matrix(1, n);  // squared distance to the nearest centre
  device.fill(closest, std::numeric_limits<double>::infinity());
  const Matrix piece_sums = memory.matrix(1, pieces);
  const Matrix all_distances = memory.matrix(most_trials, n);
  const Matrix all_candidates = memory.matrix(most_trials, x.cols());
  const Matrix potentials = memory.matrix(1, most_trials);
  const std::vector<std::int32_t> only{static_cast<std::int32_t>(first)};
  const Index start = device.index(only);
  const Index drawn = memory.index(most_trials);
  const Index chosen = memory.index(1);

  for (std::size_t c = 0; c < clusters; ++c) {
    checkpoint();
    const std::size_t trials = c == 0 ? 1 : most_trials;
    const std::int32_t* row = c == 0 ? start.view().data() : drawn.view().data();
    if (c > 0) {
      reduce_rows(
          memory, pieces, 1, 8 * n,
          [=, d = grid(closest)] __device__(std::uint32_t piece, std::uint32_t) {
            double sum = 0;
            for (std::uint64_t i = n * piece / pieces; i < n * (piece + 1) / pieces; ++i) {
              sum += d[i];
            }
            return sum;
          },
          piece_sums);
      each(api, 1, trials, 8 * n,
           [=, d = grid(closest), sums = grid(piece_sums), u = grid(draw), to = drawn.view().data(),
            offset = (c - 1) * trials] __device__(std::uint32_t, std::uint32_t t) {
             double total = 0;
             for (std::uint32_t piece = 0; piece < pieces; ++piece) {
               total += sums[piece];
             }
             const double wanted = u[offset + t] * total;
             double below = 0;
             std::uint32_t piece = 0;
             for (; piece + 1 < pieces && below + sums[piece] < wanted; ++piece) {
               below += sums[piece];
             }
             std::uint64_t i = n * piece / pieces;
             const std::uint64_t end = n * (piece + 1) / pieces;
             for (below += d[i]; below < wanted && i + 1 < end; below += d[i]) {
               ++i;
             }
             to[t] = static_cast<std::int32_t>(i);
           });
    }
    const View distances = all_distances.rows(0, trials);
    const View candidates = all_candidates.rows(0, trials);
    const ConstIndexView rows(row, 1, trials, trials);
    device.gather_rows(x, rows, candidates);
    each(api, trials, n, 16 * trials * n,
         [=, sq = grid(squares), d = grid(distances)] __device__(std::uint32_t t, std::uint32_t i) {
           d(t, i) = sq[static_cast<std::uint32_t>(row[t])] + sq[i];
         });
    device.multiply(-2, candidates, Op::none, x, Op::transpose, 1, distances);
    device.clamp_rows(closest, distances);
    reduce_rows(
        memory, trials, n, 8 * trials * n,
        [d = grid(distances)] __device__(std::uint32_t t, std::uint32_t i) { return d(t, i); },
        potentials.columns(0, trials));
    each(api, 1, 1, 8 * trials,
         [=, p = grid(potentials), best = chosen.view().data()] __device__(std::uint32_t, std::uint32_t) {
           std::int32_t least = 0;
           for (std::uint32_t t = 1; t < trials; ++t) {
             least = p[t] < p[static_cast<std::uint32_t>(least)] ? static_cast<std::int32_t>(t) : least;
           }
           *best = least;
         });
    device.gather_rows(distances, chosen, closest);
    device.gather_rows(candidates, chosen, centres.row(c));
  }
}

/// Device::mixture with all responsibilities, [N, K].
class GpuMixture final : public Mixture {
 public:
  GpuMixture(Device& device, const GpuMemory& memory, ConstView x, const Index& labels, std::size_t components,
             double floor, std::size_t block_bytes)
      : device_(device),
        memory_(memory),
        x_(x),
        floor_(floor),
        components_(components),
        together_(std::clamp<std::size_t>(block_bytes / (std::max<std::size_t>(x.size(), 1) * sizeof(double)), 1,
                                          components)),
        shares_(device.matrix(x.rows(), components)),
        rows_(memory.matrix(together_ * x.rows(), x.cols())),
        means_(memory.matrix(components, x.cols())),
        covariances_(memory.matrix(components * x.cols(), x.cols())),
        factors_(memory.matrix(components * x.cols(), x.cols())),
        log_constants_(memory.matrix(1, components)),
        info_(memory.take<int>(components)) {
    set_shares(labels.view());
    std::vector<double*> addresses;
    for (std::size_t k = 0; k < components; ++k) {
      addresses.push_back(factor(k).data());
    }
    addresses_ = memory.sent(addresses);
  }

  double step(const std::function<void()>& checkpoint) override {
    const Matrix weights = device_.matrix(1, components_);
    find_moments(weights, checkpoint);
    factorise(weights);
    find_densities(checkpoint);
    return normalise();
  }

  void add_class_sums(const Classes& classes, View s) override { device_.add_class_sums(shares_, classes.rows(), s); }

  // Public, because nvcc wants the functions around its lambdas so.

  void set_shares(ConstIndexView labels) {
    each(memory_.api(), 1, x_.rows(), 12 * x_.rows(),
         [label = labels.data(), p = grid(shares_)] __device__(std::uint32_t, std::uint32_t i) {
           p(i, static_cast<std::uint32_t>(label[i])) = 1;
         });
  }

  /// Weights, means and covariances, without the floor.
  void find_moments(const Matrix& weights, const std::function<void()>& checkpoint) {
    device_.add_column_sums(shares_, weights);
    const double least = 10 * std::numeric_limits<double>::epsilon();
    each(memory_.api(), 1, components_, 16 * components_,
         [=, w = grid(weights)] __device__(std::uint32_t, std::uint32_t k) { w[k] += least; });
    const Matrix inverse = device_.copy_of(weights);
    device_.map(Map::inverse, inverse);
    device_.multiply(1, shares_, Op::transpose, x_, Op::none, 0, means_);
    device_.scale_rows(inverse, means_);
    device_.fill(covariances_, 0);
    for (std::size_t first = 0; first < components_; first += together_) {
      checkpoint();
      const std::size_t some = std::min(together_, components_ - first);
      const auto n = static_cast<std::uint32_t>(x_.rows());
      each(memory_.api(), some * n, x_.cols(), 16 * some * x_.size(),
           [=, x = grid(x_), m = grid(means_), p = grid(shares_), v = grid(inverse), y = grid(rows_)] __device__(
               std::uint32_t at, std::uint32_t j) {
             const std::uint64_t k = first + at / n;
             const std::uint32_t i = at % n;
             y(at, j) = sqrt(p(i, k) * v[k]) * (x(i, j) - m(k, j));
           });
      for (std::size_t k = first; k < first + some; ++k) {
        device_.add_gram(1, rows_.rows((k - first) * n, n), covariances_.rows(k * x_.cols(), x_.cols()));
      }
    }
  }

  /// Factors of the covariances with the floor, and log densities at the means. Waits, and again where a larger floor
  /// is needed.
  void factorise(const Matrix& weights) {
    const auto dims = static_cast<std::uint32_t>(x_.cols());
    std::vector<double> floor(components_, floor_);
    for (bool again = true; again;) {
      const Matrix floors = device_.matrix_of(floor, 1, components_);
      // Those that were positive definite are factorised again with the rest: it happens once in a zoo.
      each(memory_.api(), factors_.rows(), dims, 16 * factors_.size(),
           [=, from = grid(covariances_), f = grid(floors), to = grid(factors_)] __device__(
               std::uint32_t at, std::uint32_t j) { to(at, j) = from(at, j) + (at % dims == j ? f[at / dims] : 0); });
      memory_.api().cholesky_of_many(addresses_.get(), dims, info_.get(), components_);
      find_constants(weights);
      again = false;
      const std::vector<double> constants = device_.read(ConstView(log_constants_));
      for (std::size_t k = 0; k < components_; ++k) {
        if (!std::isfinite(constants[k])) {
          floor[k] *= 10;
          again = true;
          if (!std::isfinite(floor[k])) {
            throw InputError("the covariances of the features overflow; look for extreme values with itm inspect");
          }
        }
      }
    }
  }

  void find_constants(const Matrix& weights) {
    const Matrix total = device_.matrix(1, 1);
    device_.add_sum(weights, total);
    const auto dims = static_cast<std::uint32_t>(x_.cols());
    const double offset = -0.5 * static_cast<double>(dims) * std::log(2 * std::numbers::pi);
    const int* info = info_.get();
    each_row(memory_.api(), components_, 32 * dims * components_,
             [=, f = grid(factors_), w = grid(weights), t = grid(total), y = grid(log_constants_)] __device__(
                 std::uint32_t k, std::uint32_t lane) {
               double sum = 0;
               for (std::uint32_t j = lane; j < dims; j += warp_size) {
                 const double pivot = f(static_cast<std::uint64_t>(k) * dims + j, j);
                 sum += pivot > 0 ? log(pivot) : nan("");
               }
               sum = warp_sum(sum);
               if (lane == 0) {
                 y[k] = info[k] == 0 ? offset - sum + log(w[k] / t[0]) : nan("");
               }
             });
  }

  /// Shares become log densities.
  void find_densities(const std::function<void()>& checkpoint) {
    const auto n = static_cast<std::uint32_t>(x_.rows());
    for (std::size_t first = 0; first < components_; first += together_) {
      checkpoint();
      const std::size_t some = std::min(together_, components_ - first);
      each(memory_.api(), some * n, x_.cols(), 16 * some * x_.size(),
           [=, x = grid(x_), m = grid(means_), y = grid(rows_)] __device__(std::uint32_t at, std::uint32_t j) {
             y(at, j) = x(at % n, j) - m(first + at / n, j);
           });
      for (std::size_t k = first; k < first + some; ++k) {
        device_.whiten_rows(factor(k), rows_.rows((k - first) * n, n));
      }
      each_row(memory_.api(), some * n, 8 * some * (x_.size() + n),
               [=, y = grid(rows_), c = grid(log_constants_), p = grid(shares_)] __device__(std::uint32_t at,
                                                                                            std::uint32_t lane) {
                 double sum = 0;
                 for (std::uint32_t j = lane; j < y.cols; j += warp_size) {
                   sum += y(at, j) * y(at, j);
                 }
                 sum = warp_sum(sum);
                 if (lane == 0) {
                   const std::uint64_t k = first + at / n;
                   p(at % n, k) = c[k] - 0.5 * sum;
                 }
               });
    }
  }

  /// Log densities become responsibilities. The mean log likelihood.
  double normalise() {
    const Matrix likelihood = memory_.matrix(1, x_.rows());
    device_.log_sum_exp_rows(shares_, likelihood);
    each(memory_.api(), x_.rows(), components_, 16 * shares_.size(),
         [l = grid(likelihood), p = grid(shares_)] __device__(std::uint32_t i, std::uint32_t k) {
           p(i, k) = exp(p(i, k) - l[i]);
         });
    return device_.sum(likelihood) / static_cast<double>(x_.rows());
  }

 private:
  [[nodiscard]] View factor(std::size_t k) const { return factors_.rows(k * x_.cols(), x_.cols()); }

  Device& device_;
  GpuMemory memory_;
  ConstView x_;
  double floor_;
  std::size_t components_;
  std::size_t together_;  ///< components whose rows are copied at once
  Matrix shares_;         ///< N x K
  Matrix rows_;           ///< together N x d
  Matrix means_;          ///< K x d
  Matrix covariances_;    ///< K d x d
  Matrix factors_;        ///< K d x d
  Matrix log_constants_;  ///< 1 x K: log density at the mean, times the weight
  std::shared_ptr<int> info_;
  std::shared_ptr<double*> addresses_;
};

[[nodiscard]] inline std::unique_ptr<Mixture> make_gpu_mixture(Device& device, const GpuMemory& memory, ConstView x,
                                                               const Index& labels, std::size_t components,
                                                               double floor, std::size_t block_bytes) {
  return std::make_unique<GpuMixture>(device, memory, x, labels, components, floor, block_bytes);
}

}  // namespace itm::ITM_KERNELS
