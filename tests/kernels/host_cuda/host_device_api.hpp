#pragma once
// A device that is the host: memory from the heap, products by plain loops, graphs that run their work again.

#include <limits>
#include <memory>

#include "kernels/device_api.hpp"

namespace itm::host_cuda {

/// `capacity`: bytes of device memory, free_bytes() at the start. Fresh memory holds NaNs, so that whatever is read
/// before it is written shows.
[[nodiscard]] std::unique_ptr<DeviceApi> make_host_device_api(
    std::size_t capacity = std::numeric_limits<std::size_t>::max() / 2);

}  // namespace itm::host_cuda
