#pragma once
// Which CUDA devices this machine has. No CUDA type appears here: any C++ file may include it.

#include <cstddef>
#include <string>
#include <vector>

namespace itm::cuda {

struct DeviceInfo {
  std::string name;
  std::size_t total_bytes = 0;
  int major = 0;  ///< compute capability
  int minor = 0;
  int multiprocessors = 0;
};

enum class Availability { ready, no_driver, driver_too_old, no_device };

/// Whether CUDA work could run here, and if not, what is missing. Throws DeviceError only where a driver and a device
/// exist and the runtime still refuses.
[[nodiscard]] Availability availability();

/// All visible devices, in the runtime's order; empty unless availability() is ready. Creates no context. Throws
/// DeviceError like availability().
[[nodiscard]] std::vector<DeviceInfo> devices();

}  // namespace itm::cuda
