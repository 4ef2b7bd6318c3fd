#pragma once
#include <memory>

#include "kernels/device_api.hpp"

namespace itm::cuda {

/// A CUDA device behind the engine's interface; no other device gets a context. Throws DeviceError where there is no
/// such device, or where this build holds no code that it can run.
[[nodiscard]] std::unique_ptr<DeviceApi> make_cuda_device_api(int device = 0);

}  // namespace itm::cuda
