#include "kernels/gpu_device.hpp"

#include <string>

#include "itm/error.hpp"
#include "kernels/gpu_clusters.cuh"
#include "kernels/gpu_device_class.cuh"
#include "kernels/gpu_neighbours.cuh"
#include "kernels/gpu_pairs.cuh"

namespace itm::ITM_KERNELS {

Matrix GpuDevice::matrix(std::size_t rows, std::size_t cols) {
  Matrix made = scratch(rows, cols);
  if (made.size() > 0) {
    api_.zero(made.view().data(), made.size() * sizeof(double));
    api_.count_launch(made.size() * sizeof(double));
  }
  return made;
}

Index GpuDevice::index(std::span<const std::int32_t> values) {
  Index made = index_scratch(values.size());
  if (!values.empty()) {
    api_.send(made.view().data(), values.data(), values.size_bytes());
  }
  counts_.uploaded += values.size_bytes();
  return made;
}

Classes GpuDevice::classes(Index labels, std::size_t count) {
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

void GpuDevice::upload(std::span<const double> values, View to) {
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

void GpuDevice::copy(ConstView from, View to) {
  elements(to, from.size(),
           [x = grid(from), y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) { y(i, j) = x(i, j); });
}

void GpuDevice::fill(View x, double value) {
  elements(x, 0, [x = grid(x), value] __device__(std::uint32_t i, std::uint32_t j) { x(i, j) = value; });
}

void GpuDevice::transpose(ConstView from, View to) {
  elements(to, from.size(),
           [x = grid(from), y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) { y(i, j) = x(j, i); });
}

void GpuDevice::diagonal(ConstView s, View out) {
  elements(out, s.rows(), [s = grid(s), y = grid(out)] __device__(std::uint32_t, std::uint32_t j) { y[j] = s(j, j); });
}

void GpuDevice::class_sizes(const Classes& classes, View out) {
  elements(out, out.size(), [begin = classes.begin().data(), y = grid(out)] __device__(std::uint32_t, std::uint32_t c) {
    y[c] = begin[c + 1] - begin[c];
  });
}

void GpuDevice::spread_centres(ConstView x, std::size_t first, std::span<const double> draws, View centres,
                               const std::function<void()>& checkpoint) {
  gpu_spread_centres(*this, memory_, x, first, draws, centres, checkpoint);
}

std::unique_ptr<Mixture> GpuDevice::mixture(ConstView x, const Index& labels, std::size_t components, double floor) {
  return make_gpu_mixture(*this, memory_, x, labels, components, floor, options_.block_bytes);
}

void GpuDevice::nearest_rows(const RowSource& points, std::size_t count,
                             const std::function<void(std::size_t first, const Neighbourhoods& found)>& use) {
  const double rounding = options_.precision == Precision::float64 ? 0x1p-53 : 0x1p-24;
  use(0, gpu_nearest_rows(*this, memory_, matrix_of(points), count, rounding, options_.block_bytes));
}

PairRanks GpuDevice::rank_pairs(ConstView x, ConstIndexView index) {
  return gpu_rank_pairs(*this, memory_, x, index, options_.block_bytes);
}

void GpuDevice::read_numbers(std::span<const Reading> readings) {
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

void GpuDevice::read_index(ConstIndexView from, std::int32_t* to) {
  std::int32_t status = 0;
  const DeviceApi::Slice slices[] = {{status_.get(), sizeof status, sizeof status, 1, &status},
                                     {from.data(), from.size() * sizeof *to, from.size() * sizeof *to, 1, to}};
  api_.read(slices);
  check(status);
}

std::unique_ptr<Device> make_gpu_device(std::unique_ptr<DeviceApi> api, std::shared_ptr<ResidentFeatures> features,
                                        const GpuDeviceOptions& options) {
  return std::make_unique<GpuDevice>(std::move(api), std::move(features), options);
}

}  // namespace itm::ITM_KERNELS
