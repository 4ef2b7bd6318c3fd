#pragma once
// A Device on a GPU: its memory and order of work are a DeviceApi of its own, its features those that stay on the
// device for everybody (resident_features.cuh). Compiled twice: by nvcc for a device, and for the host by the tests.

#include <cstddef>
#include <memory>
#include <mutex>

#include "itm/device.hpp"
#include "kernels/device_api.hpp"

namespace itm {

/// What devices that are gone have done, together.
class DeviceLedger {
 public:
  void add(const DeviceCounts& counts) {
    const std::lock_guard lock(guard_);
    total_ += counts;
  }
  [[nodiscard]] DeviceCounts total() const {
    const std::lock_guard lock(guard_);
    return total_;
  }

 private:
  mutable std::mutex guard_;
  DeviceCounts total_;
};

struct GpuDeviceOptions {
  Precision precision = Precision::float64;          ///< of products and Gram matrices; not tf32, nor tf32x3
  std::size_t block_bytes = std::size_t{256} << 20;  ///< of a block of rows
  std::shared_ptr<DeviceLedger> ledger{};            ///< is told at the end; may be null
};

namespace cuda {
class ResidentFeatures;
[[nodiscard]] std::unique_ptr<Device> make_gpu_device(std::unique_ptr<DeviceApi> api,
                                                      std::shared_ptr<ResidentFeatures> features,
                                                      const GpuDeviceOptions& options);
}  // namespace cuda
namespace host_cuda {
class ResidentFeatures;
[[nodiscard]] std::unique_ptr<Device> make_gpu_device(std::unique_ptr<DeviceApi> api,
                                                      std::shared_ptr<ResidentFeatures> features,
                                                      const GpuDeviceOptions& options);
}  // namespace host_cuda

}  // namespace itm
