#pragma once
#include <memory>

#include "kernels/device_api.hpp"

namespace itm::cuda {

/// The current CUDA device behind the engine's interface. Throws DeviceError.
[[nodiscard]] std::unique_ptr<DeviceApi> make_cuda_device_api();

}  // namespace itm::cuda
