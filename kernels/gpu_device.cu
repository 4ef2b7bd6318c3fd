#include "kernels/gpu_device.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "itm/error.hpp"
#include "kernels/each.cuh"
#include "kernels/gpu_clusters.cuh"
#include "kernels/gpu_memory.cuh"
#include "kernels/gpu_neighbours.cuh"
#include "kernels/gpu_pairs.cuh"
#include "kernels/resident_features.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// Rows of features as a kernel reads them.
struct StoredRows {
  const void* data;
  const std::int32_t* map;  // null: identity
  std::uint64_t cols;
  Stored stored;

  [[nodiscard]] __device__ double operator()(std::uint64_t row, std::uint64_t j) const {
    const std::uint64_t at = (map == nullptr ? row : static_cast<std::uint64_t>(map[row])) * cols + j;
    switch (stored) {
      case Stored::f16:
        return static_cast<double>(half_to_float(static_cast<const std::uint16_t*>(data)[at]));
      case Stored::f32:
        return static_cast<double>(static_cast<const float*>(data)[at]);
      case Stored::f64:
        break;
    }
    return static_cast<const double*>(data)[at];
  }
};

class GpuFeatures final : public Features {
 public:
  /// `memory`: of features that nobody shares; else they are the lease's.
  GpuFeatures(const GpuMemory& device, FeatureShape shape, std::shared_ptr<std::byte> memory,
              ResidentFeatures::Lease lease)
      : Features(shape.rows, shape.dims),
        device_(device),
        shape_(std::move(shape)),
        memory_(std::move(memory)),
        lease_(std::move(lease)) {}
  /// Others may take the place of the features as soon as they are given back.
  ~GpuFeatures() override {
    try {
      device_.api().synchronise();
    } catch (const DeviceError&) {  // whoever works next on this device is told
    }
  }

  [[nodiscard]] StoredRows rows_by(ConstIndexView map) const {
    return {memory_ ? memory_.get() : lease_.data(), map.size() == 0 ? nullptr : map.data(), shape_.dims,
            shape_.stored};
  }
  [[nodiscard]] std::size_t row_bytes() const { return shape_.row_bytes(); }

 private:
  GpuMemory device_;
  FeatureShape shape_;
  std::shared_ptr<std::byte> memory_;
  ResidentFeatures::Lease lease_;
};

[[nodiscard]] int whole(std::size_t size) { return static_cast<int>(size); }
[[nodiscard]] int leading(ConstView x) { return whole(x.stride()); }

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

/// out_i = log det(L_i L_i^T), NaN where its factorisation failed.
void log_dets(GpuMemory& memory, const std::vector<Grid<const double>>& factors, const int* info, View out) {
  const auto array = memory.sent(factors);
  const Grid<const double>* factor = array.get();
  std::size_t bytes = 0;
  for (const Grid<const double>& s : factors) {
    bytes += std::size_t{32} * s.rows;
  }
  each_row(memory.api(), factors.size(), bytes,
           [=, y = out.data(), step = out.stride()] __device__(std::uint32_t i, std::uint32_t lane) {
             double sum = 0;
             for (std::uint32_t j = lane; j < factor[i].rows; j += warp_size) {
               const double pivot = factor[i](j, j);
               sum += pivot > 0 ? 2 * log(pivot) : nan("");
             }
             sum = warp_sum(sum);
             if (lane == 0) {
               y[i * step] = info[i] == 0 ? sum : nan("");
             }
           });
}

/// A copy as float32, without gaps.
std::shared_ptr<float> narrow(GpuMemory& memory, ConstView x) {
  auto narrowed = memory.take<float>(x.size());
  each(memory.api(), x.rows(), x.cols(), 12 * x.size(),
       [x = grid(x), y = narrowed.get()] __device__(std::uint32_t i, std::uint32_t j) {
         y[static_cast<std::uint64_t>(i) * x.cols + j] = static_cast<float>(x(i, j));
       });
  return narrowed;
}

const GpuFeatures& on_gpu(const Features& features) { return static_cast<const GpuFeatures&>(features); }

class GpuDevice final : public Device {
 public:
  GpuDevice(std::unique_ptr<DeviceApi> api, std::shared_ptr<ResidentFeatures> features, const GpuDeviceOptions& options)
      : memory_(std::move(api)), api_(memory_.api()), features_(std::move(features)), options_(options) {
    status_ = memory_.take<std::int32_t>(1);
    const std::int32_t fine = 0;
    api_.send(status_.get(), &fine, sizeof fine);
  }

  ~GpuDevice() override {
    if (options_.ledger) {
      options_.ledger->add(GpuDevice::counts());
    }
  }

  [[nodiscard]] DeviceCounts counts() const override {
    DeviceCounts all = Device::counts();
    all.launches = api_.launches();
    all.moved = api_.moved();
    return all;
  }

  // ---- memory ----
  Matrix matrix(std::size_t rows, std::size_t cols) override {
    Matrix made = scratch(rows, cols);
    if (made.size() > 0) {
      api_.zero(made.view().data(), made.size() * sizeof(double));
      api_.count_launch(made.size() * sizeof(double));
    }
    return made;
  }
  Matrix scratch(std::size_t rows, std::size_t cols) override { return memory_.matrix(rows, cols); }
  Index index_scratch(std::size_t count) override { return memory_.index(count); }
  Index index(std::span<const std::int32_t> values) override {
    Index made = index_scratch(values.size());
    if (!values.empty()) {
      api_.send(made.view().data(), values.data(), values.size_bytes());
    }
    counts_.uploaded += values.size_bytes();
    return made;
  }
  Classes classes(Index labels, std::size_t count) override {
    const std::size_t rows = labels.cols();
    Index order = index_scratch(rows);
    Index begin = index_scratch(count + 1);
    const auto keys = memory_.take<std::uint64_t>(rows);
    std::uint64_t* key = keys.get();
    std::int32_t* row = order.view().data();
    const std::int32_t* label = labels.view().data();
    each(api_, 1, rows, rows * 16, [=] __device__(std::uint32_t, std::uint32_t i) {
      key[i] = static_cast<std::uint64_t>(label[i]);
      row[i] = static_cast<std::int32_t>(i);
    });
    if (rows > 0) {
      api_.sort_by_key(key, reinterpret_cast<std::uint32_t*>(row), rows);
    }
    std::int32_t* start = begin.view().data();
    each(api_, 1, count + 1, (count + 1) * 4, [=] __device__(std::uint32_t, std::uint32_t c) {
      std::uint64_t low = 0;
      std::uint64_t high = rows;
      while (low < high) {
        const std::uint64_t middle = (low + high) / 2;
        key[middle] < c ? low = middle + 1 : high = middle;
      }
      start[c] = static_cast<std::int32_t>(low);
    });
    return {std::move(labels), std::move(order), std::move(begin)};
  }
  void upload(std::span<const double> values, View to) override {
    counts_.uploaded += values.size_bytes();
    if (to.size() == 0) {
      return;
    }
    if (to.stride() == to.cols() || to.rows() == 1) {
      api_.send(to.data(), values.data(), values.size_bytes());
      return;
    }
    const Matrix packed = scratch(to.rows(), to.cols());
    api_.send(packed.view().data(), values.data(), values.size_bytes());
    copy(packed, to);
  }
  void copy(ConstView from, View to) override {
    elements(to, from.size(),
             [x = grid(from), y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) { y(i, j) = x(i, j); });
  }
  void fill(View x, double value) override {
    elements(x, 0, [x = grid(x), value] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) = value; });
  }
  void transpose(ConstView from, View to) override {
    elements(to, from.size(),
             [x = grid(from), y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) { y(i, j) = x(j, i); });
  }
  void diagonal(ConstView s, View out) override {
    elements(out, s.rows(),
             [s = grid(s), y = grid(out)] __device__(std::uint32_t, std::uint32_t j) { y[j] = s(j, j); });
  }

  // ---- features ----
  std::vector<FeaturesOnDevice> open(std::span<const StoredFeatures> wanted, std::size_t workspace) override {
    // Everything at once, and room for the work beside it: whoever holds some must not wait for more.
    std::size_t own = 0;
    std::size_t room = workspace > 0 ? workspace + 3 * options_.block_bytes : 0;
    std::vector<ItmFeatures> keyed;
    for (const StoredFeatures& one : wanted) {
      const std::size_t bytes = features_->shape_of_array(*one.array, one.key).bytes();
      own += bytes;
      if (one.key.empty()) {
        room += bytes;
      } else {
        keyed.push_back({[&one] { return *one.array; }, one.key, {}});
      }
    }
    if (own > features_->budget()) {
      throw DeviceError(wanted.front().array->source().string() + ": needs " + bytes_text(own) +
                        " of device memory and may use " + bytes_text(features_->budget()) +
                        "; raise --memory-budget or pass --backend cpu");
    }
    room = std::min(room, features_->budget() - own);
    std::vector<ResidentFeatures::Request> requests;
    for (const ItmFeatures& one : keyed) {
      requests.push_back({&one, requests.empty() ? room : 0});
    }
    std::vector<ResidentFeatures::Lease> leases;
    if (!requests.empty()) {
      leases = features_->acquire({requests.data(), requests.size()});
    } else if (room > 0 && workspace > 0) {
      leases.push_back(features_->reserve(room, wanted.front().array->source().string()));
    }
    std::vector<FeaturesOnDevice> opened;
    auto lease = leases.begin();
    for (const StoredFeatures& one : wanted) {
      FeatureShape shape = features_->shape_of_array(*one.array, one.key);
      std::shared_ptr<std::byte> memory;
      if (one.key.empty()) {
        memory = memory_.take<std::byte>(shape.bytes());
        api_.synchronise();  // before another stream writes to it
        ResidentFeatures::upload(api_, *one.array, shape, memory.get());
        counts_.uploaded += shape.bytes();
      } else {
        counts_.uploaded += lease->uploaded();
      }
      ResidentFeatures::Lease mine;
      if (lease != leases.end() && (!one.key.empty() || keyed.empty())) {
        mine = std::move(*lease++);
      }
      opened.push_back(std::make_shared<GpuFeatures>(memory_, std::move(shape), std::move(memory), std::move(mine)));
    }
    return opened;
  }
  [[nodiscard]] std::size_t block_rows(std::size_t cols) const override {
    constexpr std::size_t unit = 64;  // products want whole tiles
    return std::max(options_.block_bytes / (std::max<std::size_t>(cols, 1) * sizeof(double)) / unit * unit, unit);
  }
  [[nodiscard]] std::size_t batch_bytes() const override { return 2 * options_.block_bytes; }
  void load(const Features& features, ConstIndexView map, std::size_t first, View to) override {
    loaded(features, to,
           [f = on_gpu(features).rows_by(map), first, y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) {
             y(i, j) = f(first + i, j);
           });
  }
  void load_shifted(const Features& features, ConstIndexView map, std::size_t first, double alpha, ConstView m,
                    ConstIndexView index, View to) override {
    const std::int32_t* row = index.size() == 0 ? nullptr : index.data();
    loaded(features, to,
           [f = on_gpu(features).rows_by(map), first, alpha, m = grid(m), row, y = grid(to)] __device__(
               std::uint32_t i, std::uint32_t j) {
             y(i, j) = f(first + i, j) + alpha * m(row == nullptr ? 0 : static_cast<std::uint32_t>(row[i]), j);
           });
  }
  void add_class_sums_of(const Features& features, ConstIndexView map, ClassRows rows, View s) override {
    const StoredRows from = on_gpu(features).rows_by(map);
    reduce_classes(
        memory_, rows, s.cols(), rows.count * on_gpu(features).row_bytes(),
        [=] __device__(std::uint32_t, std::uint32_t row, std::uint32_t j) { return from(row, j); }, s);
  }
  void add_column_sums_of(const Features& features, ConstIndexView map, std::size_t first, std::size_t count,
                          View out) override {
    reduce_columns(
        memory_, count, out.cols(), count * on_gpu(features).row_bytes(),
        [f = on_gpu(features).rows_by(map), first] __device__(std::uint32_t i, std::uint32_t j) {
          return f(first + i, j);
        },
        out);
  }

  // ---- products ----
  void multiply(double alpha, ConstView a, Op op_a, ConstView b, Op op_b, double beta, View c) override {
    const std::size_t depth = op_a == Op::none ? a.cols() : a.rows();
    if (c.size() == 0 || depth == 0) {
      return;
    }
    Gemm<double> g{op_a == Op::transpose,
                   op_b == Op::transpose,
                   whole(c.rows()),
                   whole(c.cols()),
                   whole(depth),
                   a.data(),
                   leading(a),
                   b.data(),
                   leading(b),
                   false,
                   c.data(),
                   leading(c)};
    if (options_.arithmetic == Arithmetic::float64) {
      api_.multiply(g, alpha, beta);
    } else {
      const auto a32 = narrow(memory_, a);
      const auto b32 = narrow(memory_, b);
      const auto c32 = memory_.take<float>(c.size());
      api_.multiply(Gemm<float>{g.transpose_a, g.transpose_b, g.m, g.n, g.k, a32.get(), whole(a.cols()), b32.get(),
                                whole(b.cols()), false, c32.get(), g.n},
                    static_cast<float>(alpha), 0.0F);
      const Grid<const float> from{c32.get(), rows_of(c), cols_of(c), c.cols()};
      elements(c, c.size(), [=, y = grid(c)] __device__(std::uint32_t i, std::uint32_t j) {
        y(i, j) = (beta == 0.0 ? 0.0 : beta * y(i, j)) + static_cast<double>(from(i, j));
      });
    }
  }
  void add_gram(double alpha, ConstView a, View s) override {
    if (a.rows() == 0) {
      return;
    }
    if (options_.arithmetic == Arithmetic::float64) {
      api_.add_gram(alpha, a.data(), whole(a.rows()), whole(a.cols()), leading(a), s.data(), leading(s));
    } else {
      const auto a32 = narrow(memory_, a);
      const auto c32 = memory_.take<float>(s.size());
      const int n = whole(s.rows());
      api_.multiply(Gemm<float>{true, false, n, n, whole(a.rows()), a32.get(), n, a32.get(), n, false, c32.get(), n},
                    static_cast<float>(alpha), 0.0F);
      const Grid<const float> from{c32.get(), rows_of(s), cols_of(s), s.cols()};
      elements(s, s.size(), [=, y = grid(s)] __device__(std::uint32_t i, std::uint32_t j) {
        if (j <= i) {
          y(i, j) += static_cast<double>(from(i, j));
        }
      });
    }
  }
  void symmetrise(View s) override {
    elements(s, 0, [s = grid(s)] __device__(std::uint32_t i, std::uint32_t j) {
      if (j > i) {
        s(i, j) = s(j, i);
      }
    });
  }

  // ---- factorisations ----
  bool cholesky(View s) override {
    if (s.rows() == 0) {
      return true;
    }
    const auto info = memory_.take<int>(1);
    api_.cholesky(s.data(), whole(s.rows()), leading(s), info.get());
    const Matrix log_det = scratch(1, 1);
    std::vector<Grid<const double>> factor(1);
    factor[0] = grid(ConstView(s));
    log_dets(memory_, factor, info.get(), log_det);
    return std::isfinite(number(log_det));
  }
  void log_dets_of_one_plus(std::span<const Matrix> s, View out) override {
    std::map<std::size_t, std::vector<std::size_t>> of_size;
    for (std::size_t i = 0; i < s.size(); ++i) {
      add_to_diagonal(1, s[i]);
      of_size[s[i].rows()].push_back(i);
    }
    const auto info = memory_.take<int>(s.size());
    // `info` is in the order of the sizes, so the factors are brought into it too.
    std::vector<std::size_t> order;
    for (const auto& [n, members] : of_size) {
      int* found = info.get() + order.size();
      if (members.size() == 1) {
        api_.cholesky(s[members.front()].view().data(), whole(n), whole(n), found);
      } else {
        std::vector<double*> addresses;
        for (const std::size_t i : members) {
          addresses.push_back(s[i].view().data());
        }
        const auto array = memory_.sent(addresses);
        api_.cholesky_of_many(array.get(), whole(n), whole(n), found, whole(members.size()));
      }
      order.insert(order.end(), members.begin(), members.end());
    }
    std::vector<Grid<const double>> sorted(order.size());
    std::vector<std::int32_t> place(s.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      sorted[i] = grid(ConstView(s[order[i]]));
      place[order[i]] = static_cast<std::int32_t>(i);
    }
    const Matrix values = scratch(s.size(), 1);
    log_dets(memory_, sorted, info.get(), values);
    const Matrix in_order = scratch(s.size(), 1);
    gather_rows(values, index(place), in_order);
    transpose(in_order, out);
  }
  void solve_rows(ConstView l, View b) override {
    whiten_rows(l, b);
    if (b.size() > 0) {
      api_.solve_triangular(true, l.data(), whole(b.cols()), leading(l), b.data(), whole(b.rows()), leading(b));
    }
  }
  void whiten_rows(ConstView l, View b) override {
    if (b.size() > 0) {
      api_.solve_triangular(false, l.data(), whole(b.cols()), leading(l), b.data(), whole(b.rows()), leading(b));
    }
  }
  void symmetric_eigen(View s, View values) override {
    const auto info = memory_.take<int>(1);
    const bool packed = s.stride() == s.cols();
    const Matrix copied = packed ? Matrix() : copy_of(s);
    const View work = packed ? s : copied.view();
    api_.eigen(work.data(), whole(s.rows()), values.data(), info.get());
    if (!packed) {
      copy(work, s);
    }
    // Nobody waits for it now: the next read does.
    const int* found = info.get();
    std::int32_t* status = status_.get();
    const Grid<const double> value = grid(ConstView(values));
    const auto size = static_cast<std::int32_t>(s.rows());
    each(api_, 1, 1, 0, [=] __device__(std::uint32_t, std::uint32_t) {
      const bool failed = *found != 0 || !(value[0] - value[0] == 0) || !(value[size - 1] - value[size - 1] == 0);
      if (failed && *status == 0) {
        *status = size;
      }
    });
  }

  // ---- rows and columns ----
  void scale(double factor, View x) override {
    elements(x, x.size(), [x = grid(x), factor] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) *= factor; });
  }
  void map(Map what, View x) override {
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
  void add(double alpha, ConstView x, View y) override {
    elements(y, x.size() + y.size(), [alpha, x = grid(x), y = grid(y)] __device__(std::uint32_t i, std::uint32_t j) {
      y(i, j) += alpha * x(i, j);
    });
  }
  void add_to_diagonal(double value, View s) override {
    each(api_, 1, s.rows(), 16 * s.rows(),
         [value, s = grid(s)] __device__(std::uint32_t, std::uint32_t j) { s(j, j) += value; });
  }
  void add_class_sums(ConstView x, ClassRows rows, View s) override {
    const std::size_t first = rows.first;
    reduce_classes(
        memory_, rows, s.cols(), 8 * x.size(),
        [x = grid(x), first] __device__(std::uint32_t, std::uint32_t row, std::uint32_t j) {
          return x(row - first, j);
        },
        s);
  }
  void add_weighted_class_sums(ConstView w, ConstView x, ClassRows rows, View s) override {
    const std::size_t first = rows.first;
    reduce_classes(
        memory_, rows, s.cols(), 8 * x.size(),
        [w = grid(w), x = grid(x), first] __device__(std::uint32_t, std::uint32_t row, std::uint32_t j) {
          return w[row - first] * x(row - first, j);
        },
        s);
  }
  void class_moments(ConstView x, const Classes& classes, View mean, View variance) override {
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
  void add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x) override {
    elements(x, 2 * x.size(),
             [alpha, m = grid(m), row = index.data(), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) {
               x(i, j) += alpha * m(static_cast<std::uint32_t>(row[i]), j);
             });
  }
  void add_to_rows(double alpha, ConstView v, View x) override {
    elements(x, x.size(), [alpha, v = grid(v), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) {
      x(i, j) += alpha * v[j];
    });
  }
  void gather_rows(ConstView from, ConstIndexView index, View to) override {
    elements(to, to.size(),
             [x = grid(from), row = index.data(), y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) {
               y(i, j) = x(static_cast<std::uint32_t>(row[i]), j);
             });
  }
  void scale_columns(ConstView v, View x) override {
    elements(x, x.size(), [v = grid(v), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) *= v[j]; });
  }
  void scale_rows(ConstView v, View x) override {
    elements(x, x.size(), [v = grid(v), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) *= v[i]; });
  }
  void clamp_rows(ConstView most, View x) override {
    elements(x, x.size(), [most = grid(most), x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) {
      const double low = x(i, j) < most[j] ? x(i, j) : most[j];
      x(i, j) = low > 0 ? low : 0;
    });
  }
  void add_column_sums(ConstView x, View out) override {
    reduce_columns(
        memory_, x.rows(), x.cols(), 8 * x.size(),
        [x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { return x(i, j); }, out);
  }
  void add_column_squares(ConstView x, View out) override {
    reduce_columns(
        memory_, x.rows(), x.cols(), 8 * x.size(),
        [x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { return x(i, j) * x(i, j); }, out);
  }
  void inverse_deviations(ConstView mean, ConstView variance, double noise, View out) override {
    elements(out, 2 * out.size(),
             [m = grid(mean), v = grid(variance), noise, y = grid(out)] __device__(std::uint32_t, std::uint32_t j) {
               const double deviation = sqrt(v[j]);
               y[j] = deviation > noise * fabs(m[j]) ? 1 / deviation : 1;
             });
  }
  void fix_column_signs(View x) override {
    // The largest entry of every piece of a column, then the largest of those.
    const std::uint32_t pieces = column_pieces(x.rows());
    const Matrix peaks = scratch(pieces, x.cols());
    const std::size_t rows = x.rows();
    elements(peaks, x.size(),
             [=, x = grid(x), p = grid(peaks.view())] __device__(std::uint32_t piece, std::uint32_t j) {
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
  void row_squares(ConstView x, View out) override {
    reduce_rows(
        memory_, x.rows(), x.cols(), 8 * x.size(),
        [x = grid(x)] __device__(std::uint32_t i, std::uint32_t j) { return x(i, j) * x(i, j); }, out);
  }
  void indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out) override {
    reduce_rows(
        memory_, a.rows(), a.cols(), 16 * a.size(),
        [a = grid(a), b = grid(b), row = index.data()] __device__(std::uint32_t i, std::uint32_t j) {
          return a(i, j) * b(static_cast<std::uint32_t>(row[i]), j);
        },
        out);
  }
  void pick(ConstView x, ConstIndexView index, View out) override {
    each(api_, 1, x.rows(), 20 * x.rows(),
         [x = grid(x), col = index.data(), y = grid(out)] __device__(std::uint32_t, std::uint32_t i) {
           y[i] = x(i, static_cast<std::uint32_t>(col[i]));
         });
  }
  void softmax_rows(View x) override {
    each_row(api_, x.rows(), 16 * x.size(),
             [x = grid(x)] __device__(std::uint32_t i, std::uint32_t lane) { (void)soft_max(x, i, lane); });
  }
  void log_sum_exp_rows(ConstView x, View out) override {
    each_row(api_, x.rows(), 8 * x.size(),
             [x = grid(x), y = grid(out)] __device__(std::uint32_t i, std::uint32_t lane) {
               const double total = log_sum_exp(x, i, lane);
               if (lane == 0) {
                 y[i] = total;
               }
             });
  }
  void add_cross_entropy(ConstView z, ConstIndexView labels, View loss) override {
    const Matrix losses = scratch(1, z.rows());
    each_row(
        api_, z.rows(), 8 * z.size(),
        [z = grid(z), col = labels.data(), y = grid(losses.view())] __device__(std::uint32_t i, std::uint32_t lane) {
          const double total = log_sum_exp(z, i, lane);
          if (lane == 0) {
            y[i] = total - z(i, static_cast<std::uint32_t>(col[i]));
          }
        });
    add_sum(losses, loss);
  }
  void softmax_cross_entropy(View z, ConstIndexView labels, View loss) override {
    const Matrix losses = scratch(1, z.rows());
    each_row(
        api_, z.rows(), 16 * z.size(),
        [z = grid(z), col = labels.data(), y = grid(losses.view())] __device__(std::uint32_t i, std::uint32_t lane) {
          const double own = z(i, static_cast<std::uint32_t>(col[i]));
          const double total = soft_max(z, i, lane);
          if (lane == 0) {
            y[i] = total - own;
          }
        });
    add_sum(losses, loss);
  }
  void logistic_residuals(View z, ConstView y, View loss) override {
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
  void argmax_rows(ConstView x, IndexView out) override {
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
  void add_equal(ConstIndexView a, ConstIndexView b, View count) override {
    reduce_all(
        memory_, a.size(), 8 * a.size(),
        [a = a.data(), b = b.data()] __device__(std::uint64_t e) { return a[e] == b[e] ? 1.0 : 0.0; }, count);
  }
  void correlate_rows(View x) override {
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
  void squared_distances(ConstView a, ConstView b, View out) override {
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
  std::vector<std::int32_t> smallest_of_rows(ConstView x, std::size_t k) override {
    const std::size_t count = std::min(k, x.cols());
    const Index found = index_scratch(x.rows() * count);
    select_smallest(api_, x, {found.view().data(), nullptr, static_cast<std::uint32_t>(count)});
    return read(ConstIndexView(found));
  }

  // ---- clusters ----
  void class_sizes(const Classes& classes, View out) override {
    elements(out, out.size(),
             [begin = classes.begin().data(), y = grid(out)] __device__(std::uint32_t, std::uint32_t c) {
               y[c] = begin[c + 1] - begin[c];
             });
  }
  void spread_centres(ConstView x, std::size_t first, std::span<const double> draws, View centres,
                      const std::function<void()>& checkpoint) override {
    gpu_spread_centres(*this, memory_, x, first, draws, centres, checkpoint);
  }
  std::unique_ptr<Mixture> mixture(ConstView x, const Index& labels, std::size_t components, double floor) override {
    return make_gpu_mixture(*this, memory_, x, labels, components, floor, options_.block_bytes);
  }

  // ---- pairs ----
  void nearest_rows(const RowSource& points, std::size_t count,
                    const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) override {
    const double rounding = options_.arithmetic == Arithmetic::float64 ? 0x1p-53 : 0x1p-24;
    use(0, gpu_nearest_rows(*this, memory_, matrix_of(points), count, rounding, options_.block_bytes));
  }
  PairRanks rank_pairs(ConstView x, ConstIndexView index) override {
    return gpu_rank_pairs(*this, memory_, x, index, options_.block_bytes);
  }

  // ---- whole matrices ----
  void add_sum(ConstView x, View out) override {
    const auto cols = cols_of(x);
    reduce_all(
        memory_, x.size(), 8 * x.size(),
        [x = grid(x), cols] __device__(std::uint64_t e) { return x(e / cols, e % cols); }, out);
  }
  void add_dot(ConstView a, ConstView b, View out) override {
    const auto cols = cols_of(a);
    reduce_all(
        memory_, a.size(), 16 * a.size(),
        [a = grid(a), b = grid(b), cols] __device__(std::uint64_t e) {
          return a(e / cols, e % cols) * b(e / cols, e % cols);
        },
        out);
  }
  void sort(View x) override {
    if (x.cols() > 1) {
      api_.sort(x.data(), x.cols());
    }
  }
  void lbfgs_direction(ConstView gradient, std::span<const LbfgsPair> pairs, View direction) override {
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
               const double* a = vector[pair / vectors];
               const double* b = vector[pair % vectors];
               double sum = 0;
               for (std::size_t e = lane; e < length; e += warp_size) {
                 sum += a[e] * b[e];
               }
               sum = warp_sum(sum);
               if (lane == 0) {
                 p(pair / vectors, pair % vectors) = sum;
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

 protected:
  void read_numbers(std::span<const Reading> readings) override {
    std::int32_t status = 0;
    std::vector<DeviceApi::Slice> slices(readings.size() + 1);
    slices[0] = {status_.get(), sizeof status, sizeof status, 1, &status};
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const ConstView& from = readings[i].from;
      slices[i + 1] = {from.data(), from.stride() * sizeof(double), from.cols() * sizeof(double), from.rows(),
                       readings[i].to};
    }
    api_.read({slices.data(), slices.size()});
    check(status);
  }
  void read_index(ConstIndexView from, std::int32_t* to) override {
    std::int32_t status = 0;
    const DeviceApi::Slice slices[] = {{status_.get(), sizeof status, sizeof status, 1, &status},
                                       {from.data(), from.size() * sizeof *to, from.size() * sizeof *to, 1, to}};
    api_.read(slices);
    check(status);
  }

 private:
  /// f(i, j) for the elements of `to`, which reads so many doubles besides and writes `to`.
  template <typename F>
  void elements(ConstView to, std::size_t reads, F f) {
    each(api_, to.rows(), to.cols(), sizeof(double) * (to.size() + reads), f);
  }
  template <typename F>
  void loaded(const Features& features, ConstView to, F f) {
    each(api_, to.rows(), to.cols(), sizeof(double) * to.size() + to.rows() * on_gpu(features).row_bytes(), f);
  }

  void check(std::int32_t status) {
    if (status != 0) {
      const std::int32_t fine = 0;
      api_.send(status_.get(), &fine, sizeof fine);
      const std::string order = std::to_string(status);
      throw NumericError("the eigenvalues of a " + order + " x " + order +
                         " matrix did not converge; look for extreme values in the features with itm inspect");
    }
  }

  GpuMemory memory_;
  DeviceApi& api_;
  std::shared_ptr<ResidentFeatures> features_;
  GpuDeviceOptions options_;
  std::shared_ptr<std::int32_t> status_;
};

}  // namespace

std::unique_ptr<Device> make_gpu_device(std::unique_ptr<DeviceApi> api, std::shared_ptr<ResidentFeatures> features,
                                        const GpuDeviceOptions& options) {
  return std::make_unique<GpuDevice>(std::move(api), std::move(features), options);
}

}  // namespace itm::ITM_KERNELS
