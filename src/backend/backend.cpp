#include "backend/backend.hpp"

#include "itm/error.hpp"
#ifdef ITM_HAVE_CUDA
#include "kernels/device_info.hpp"
#endif

namespace itm {
namespace {

/// Why CUDA cannot be used, and what would change that.
struct Obstacle {
  std::string reason;
  std::string remedy;
};

Obstacle obstacle_of(const CudaProbe& probe) {
  switch (probe.state) {
    case CudaState::not_built:
      return {"this build of itm has no CUDA support", "build it where the CUDA toolkit is installed"};
    case CudaState::no_driver:
      return {"no NVIDIA driver found", "install one"};
    case CudaState::driver_too_old:
      return {"the NVIDIA driver is older than the CUDA toolkit itm was built with", "update it"};
    case CudaState::no_device:
      return {"no CUDA device found", "check nvidia-smi and CUDA_VISIBLE_DEVICES"};
    case CudaState::broken:
      return {"the CUDA runtime failed (" + probe.detail + ")", "check nvidia-smi"};
    case CudaState::ready:
      return {};
  }
  return {"CUDA is in an unknown state", "check nvidia-smi"};
}

}  // namespace

CudaProbe probe_cuda() {
#ifdef ITM_HAVE_CUDA
  try {
    switch (cuda::availability()) {
      case cuda::Availability::no_driver:
        return {CudaState::no_driver, {}};
      case cuda::Availability::driver_too_old:
        return {CudaState::driver_too_old, {}};
      case cuda::Availability::no_device:
        return {CudaState::no_device, {}};
      case cuda::Availability::ready:
        break;
    }
    const auto devices = cuda::devices();
    if (devices.empty()) return {CudaState::no_device, {}};
    return {CudaState::ready, devices.front().name};
  } catch (const std::exception& failure) {
    return {CudaState::broken, failure.what()};
  }
#else
  return {CudaState::not_built, {}};
#endif
}

BackendChoice choose_backend(Backend wanted, const CudaProbe& probe) {
  if (wanted == Backend::cpu) return {};
  if (probe.state == CudaState::ready) return {true, {}};
  const Obstacle obstacle = obstacle_of(probe);
  if (wanted == Backend::cuda) {
    throw DeviceError("--backend cuda: " + obstacle.reason + "; " + obstacle.remedy + ", or pass --backend cpu");
  }
  // A machine without a device is no news in a build without CUDA either: one wording for both.
  const bool none =
      probe.state == CudaState::not_built || probe.state == CudaState::no_driver || probe.state == CudaState::no_device;
  return {false, (none ? "no CUDA device found" : obstacle.reason) + "; using the CPU"};
}

BackendChoice resolve_backend(Backend wanted) {
  if (wanted == Backend::cpu) return {};
  return choose_backend(wanted, probe_cuda());
}

}  // namespace itm
