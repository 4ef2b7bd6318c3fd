// One device that is the host, in the place of CUDA's: with the program's own sources this makes an `itm` whose
// `--backend cuda` runs the GPU's engine on the host. For scripts/rehearse_gpu_check.sh.

#include <fmt/format.h>

#include <utility>

#include "host_cuda/host_device_api.hpp"
#include "itm/error.hpp"
#include "kernels/cuda_device_api.hpp"
#include "kernels/device_info.hpp"
#include "kernels/zoo_engine.hpp"

namespace itm::cuda {

Availability availability() { return Availability::ready; }

std::vector<DeviceInfo> devices() { return {{.name = "host stand-in"}}; }

std::unique_ptr<DeviceApi> make_cuda_device_api(int device) {
  if (device != 0) {
    throw DeviceError(fmt::format("--device {}: this machine has one device, 0", device));
  }
  return host_cuda::make_host_device_api(std::size_t{4} << 30U);
}

std::shared_ptr<ItmEngine> make_zoo_engine(std::unique_ptr<DeviceApi> api, const ZooEngineOptions& options) {
  return host_cuda::make_zoo_engine(std::move(api), options);
}

}  // namespace itm::cuda
