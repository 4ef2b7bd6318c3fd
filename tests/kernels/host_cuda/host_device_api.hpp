#pragma once
// A device that is the host: memory from the heap, products by plain loops, graphs that run their work again.

#include <limits>
#include <memory>

#include "kernels/device_api.hpp"

namespace itm::host_cuda {

/// What goes wrong on purpose and what has been done, shared by a device and its orders of work.
struct HostFaults {
  std::size_t allocations = 0;  ///< made so far
  std::size_t uploads = 0;      ///< of which each is a wait
  std::size_t recordings = 0;   ///< graphs
  std::size_t fails_at = 0;     ///< the allocation of this number, from 1, finds no memory; 0: none
  bool refuses_recording = false;
  bool computes_wrongly = false;  ///< the first element of every product is off by a thousandth
};

/// `capacity`: bytes of device memory, free_bytes() at the start. Fresh memory holds NaNs, so that whatever is read
/// before it is written shows.
[[nodiscard]] std::unique_ptr<DeviceApi> make_host_device_api(
    std::size_t capacity = std::numeric_limits<std::size_t>::max() / 2, std::shared_ptr<HostFaults> faults = {});

}  // namespace itm::host_cuda
