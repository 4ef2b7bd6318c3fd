#pragma once
// The Device on a GPU, declared once; its operations are defined by job:
//   gpu_device.cu    memory, reads, clusters and pairs        gpu_features.cu   features on the device
//   gpu_products.cu  products and Gram matrices               gpu_spectra.cu    Cholesky, log determinants,
//   eigenvectors gpu_columns.cu   elements and columns of matrices         gpu_rows.cu       one warp a row gpu_sums.cu
//   whole matrices, an L-BFGS direction

#include <memory>
#include <vector>

#include "kernels/each.cuh"
#include "kernels/gpu_device.hpp"
#include "kernels/gpu_memory.cuh"
#include "kernels/resident_features.cuh"

namespace itm::ITM_KERNELS {

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
    return {data(), map.size() == 0 ? nullptr : map.data(), shape_.dims, shape_.stored};
  }
  [[nodiscard]] std::size_t row_bytes() const { return shape_.row_bytes(); }

 private:
  [[nodiscard]] const void* data() const {
    if (shape_.in_place != nullptr) {
      return shape_.in_place;
    }
    return memory_ ? memory_.get() : lease_.data();
  }

  GpuMemory device_;
  FeatureShape shape_;
  std::shared_ptr<std::byte> memory_;
  ResidentFeatures::Lease lease_;
};

[[nodiscard]] inline const GpuFeatures& on_gpu(const Features& features) {
  return static_cast<const GpuFeatures&>(features);
}

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
  Matrix matrix(std::size_t rows, std::size_t cols) override;
  Matrix scratch(std::size_t rows, std::size_t cols) override { return memory_.matrix(rows, cols); }
  Index index_scratch(std::size_t count) override { return memory_.index(count); }
  Index index(std::span<const std::int32_t> values) override;
  Classes classes(Index labels, std::size_t count) override;
  void upload(std::span<const double> values, View to) override;
  void copy(ConstView from, View to) override;
  void fill(View x, double value) override;
  void transpose(ConstView from, View to) override;
  void diagonal(ConstView s, View out) override;

  // ---- features ----
  std::vector<FeaturesOnDevice> open(std::span<const StoredFeatures> wanted, std::size_t workspace) override;
  [[nodiscard]] std::size_t block_rows(std::size_t cols) const override {
    constexpr std::size_t unit = 64;  // products want whole tiles
    return std::max(options_.block_bytes / (std::max<std::size_t>(cols, 1) * sizeof(double)) / unit * unit, unit);
  }
  [[nodiscard]] std::size_t batch_bytes() const override { return 2 * options_.block_bytes; }
  void load(const Features& features, ConstIndexView map, std::size_t first, View to) override;
  void load_shifted(const Features& features, ConstIndexView map, std::size_t first, double alpha, ConstView m,
                    ConstIndexView index, View to) override;
  void add_class_sums_of(const Features& features, ConstIndexView map, ClassRows rows, View s) override;
  void add_column_sums_of(const Features& features, ConstIndexView map, std::size_t first, std::size_t count,
                          View out) override;

  // ---- products ----
  void multiply(double alpha, ConstView a, Op op_a, ConstView b, Op op_b, double beta, View c) override;
  void add_gram(double alpha, ConstView a, View s) override;
  void symmetrise(View s) override;

  // ---- factorisations ----
  bool cholesky(View s) override;
  void log_dets_of_one_plus(std::span<const Matrix> s, View out) override;
  void solve_rows(ConstView l, View b) override;
  void whiten_rows(ConstView l, View b) override;
  void symmetric_eigen(View s, View values) override;

  // ---- rows and columns ----
  void scale(double factor, View x) override;
  void map(Map what, View x) override;
  void add(double alpha, ConstView x, View y) override;
  void add_to_diagonal(double value, View s) override;
  void add_class_sums(ConstView x, ClassRows rows, View s) override;
  void add_weighted_class_sums(ConstView w, ConstView x, ClassRows rows, View s) override;
  void class_moments(ConstView x, const Classes& classes, View mean, View variance) override;
  void add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x) override;
  void add_to_rows(double alpha, ConstView v, View x) override;
  void gather_rows(ConstView from, ConstIndexView index, View to) override;
  void scale_columns(ConstView v, View x) override;
  void scale_rows(ConstView v, View x) override;
  void clamp_rows(ConstView most, View x) override;
  void add_column_sums(ConstView x, View out) override;
  void add_column_squares(ConstView x, View out) override;
  void inverse_deviations(ConstView mean, ConstView variance, double noise, View out) override;
  void fix_column_signs(View x) override;
  void row_squares(ConstView x, View out) override;
  void indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out) override;
  void pick(ConstView x, ConstIndexView index, View out) override;
  void softmax_rows(View x) override;
  void log_sum_exp_rows(ConstView x, View out) override;
  void add_cross_entropy(ConstView z, ConstIndexView labels, View loss) override;
  void softmax_cross_entropy(View z, ConstIndexView labels, View loss) override;
  void logistic_residuals(View z, ConstView y, View loss) override;
  void argmax_rows(ConstView x, IndexView out) override;
  void add_equal(ConstIndexView a, ConstIndexView b, View count) override;
  void correlate_rows(View x) override;
  void squared_distances(ConstView a, ConstView b, View out) override;
  std::vector<std::int32_t> smallest_of_rows(ConstView x, std::size_t k) override;

  // ---- clusters ----
  void class_sizes(const Classes& classes, View out) override;
  void spread_centres(ConstView x, std::size_t first, std::span<const double> draws, View centres,
                      const std::function<void()>& checkpoint) override;
  std::unique_ptr<Mixture> mixture(ConstView x, const Index& labels, std::size_t components, double floor) override;

  // ---- pairs ----
  void nearest_rows(const RowSource& points, std::size_t count,
                    const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) override;
  PairRanks rank_pairs(ConstView x, ConstIndexView index) override;

  // ---- whole matrices ----
  void add_sum(ConstView x, View out) override;
  void add_dot(ConstView a, ConstView b, View out) override;
  void sort(View x) override;
  void lbfgs_direction(ConstView gradient, std::span<const LbfgsPair> pairs, View direction) override;

 protected:
  void read_numbers(std::span<const Reading> readings) override;
  void read_index(ConstIndexView from, std::int32_t* to) override;

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

}  // namespace itm::ITM_KERNELS
