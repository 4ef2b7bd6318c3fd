#include <algorithm>
#include <string>

#include "itm/error.hpp"
#include "kernels/gpu_device_class.cuh"

namespace itm::ITM_KERNELS {

std::vector<FeaturesOnDevice> GpuDevice::open(std::span<const StoredFeatures> wanted, std::size_t workspace) {
  // Everything at once, and room for the work beside it: whoever holds some must not wait for more.
  std::size_t own = 0;
  std::size_t room = workspace > 0 ? workspace + 3 * options_.block_bytes : 0;
  std::vector<ItmFeatures> keyed;
  for (const StoredFeatures& one : wanted) {
    const std::size_t bytes = features_->shape_of_array(*one.array, one.key).room();
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
    if (one.key.empty() && shape.in_place == nullptr) {
      memory = memory_.take<std::byte>(shape.bytes());
      api_.synchronise();  // before another stream writes to it
      ResidentFeatures::upload(api_, *one.array, shape, memory.get());
      counts_.uploaded += shape.bytes();
    } else if (!one.key.empty()) {
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

void GpuDevice::load(const Features& features, ConstIndexView map, std::size_t first, View to) {
  loaded(features, to,
         [f = on_gpu(features).rows_by(map), first, y = grid(to)] __device__(std::uint32_t i, std::uint32_t j) {
           y(i, j) = f(first + i, j);
         });
}

void GpuDevice::load_shifted(const Features& features, ConstIndexView map, std::size_t first, double alpha, ConstView m,
                             ConstIndexView index, View to) {
  const std::int32_t* row = index.size() == 0 ? nullptr : index.data();
  loaded(features, to,
         [f = on_gpu(features).rows_by(map), first, alpha, m = grid(m), row, y = grid(to)] __device__(std::uint32_t i,
                                                                                                      std::uint32_t j) {
           y(i, j) = f(first + i, j) + alpha * m(row == nullptr ? 0 : static_cast<std::uint32_t>(row[i]), j);
         });
}

void GpuDevice::add_class_sums_of(const Features& features, ConstIndexView map, ClassRows rows, View s) {
  const StoredRows from = on_gpu(features).rows_by(map);
  reduce_classes(
      memory_, rows, s.cols(), rows.count * on_gpu(features).row_bytes(),
      [=] __device__(std::uint32_t, std::uint32_t row, std::uint32_t j) { return from(row, j); }, s);
}

void GpuDevice::add_column_sums_of(const Features& features, ConstIndexView map, std::size_t first, std::size_t count,
                                   View out) {
  reduce_columns(
      memory_, count, out.cols(), count * on_gpu(features).row_bytes(),
      [f = on_gpu(features).rows_by(map), first] __device__(std::uint32_t i, std::uint32_t j) {
        return f(first + i, j);
      },
      out);
}

}  // namespace itm::ITM_KERNELS
