#include "kernels/device_info.hpp"

#include <cuda_runtime_api.h>

#include "kernels/check.hpp"

namespace itm::cuda {
namespace {

struct Count {
  Availability availability = Availability::ready;
  int devices = 0;
};

Count count_devices() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaErrorInsufficientDriver || status == cudaErrorStubLibrary) {
    (void)cudaGetLastError();
    // The runtime reports a missing driver like an old one; only the version, 0 for a missing one, tells them apart.
    int driver = 0;
    const bool known = cudaDriverGetVersion(&driver) == cudaSuccess;
    return {known && driver > 0 ? Availability::driver_too_old : Availability::no_driver, 0};
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && devices == 0)) {
    (void)cudaGetLastError();
    return {Availability::no_device, 0};
  }
  check(status, "cudaGetDeviceCount(&devices)", __FILE__, __LINE__);
  return {Availability::ready, devices};
}

}  // namespace

Availability availability() { return count_devices().availability; }

std::vector<DeviceInfo> devices() {
  const int count = count_devices().devices;
  std::vector<DeviceInfo> found;
  found.reserve(static_cast<std::size_t>(count));
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties{};
    ITM_CUDA_TRY(cudaGetDeviceProperties(&properties, device));
    DeviceInfo info;
    info.name = properties.name;
    info.major = properties.major;
    info.minor = properties.minor;
    info.multiprocessors = properties.multiProcessorCount;
    info.total_bytes = properties.totalGlobalMem;
    found.push_back(info);
  }
  return found;
}

}  // namespace itm::cuda
