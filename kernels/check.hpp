#pragma once
// Checked CUDA runtime calls. For .cu files and host files that include the CUDA runtime; never for public headers.

#include <cuda_runtime_api.h>

#include <string>

#include "itm/error.hpp"
#include "kernels/device_api.hpp"

namespace itm::cuda {

/// Throws DeviceError naming the call, where it stands and what CUDA says about it.
inline void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // the error was reported here; later calls must not see it again
  const std::string what = std::string(file) + ":" + std::to_string(line) + ": " + call +
                           " failed: " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + "); ";
  switch (status) {
    case cudaErrorMemoryAllocation:
      throw OutOfDeviceMemory(what + "lower --memory-budget, free the device or pass --backend cpu");
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      throw DeviceError(what + "build for this device or pass --backend cpu");
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorLaunchFailure:
      throw DeviceError(what + "this is a fault of itm: pass --backend cpu, and report it");
    default:
      throw DeviceError(what + "free the device or pass --backend cpu");
  }
}

}  // namespace itm::cuda

/// Runs a CUDA runtime call and throws DeviceError unless it succeeds.
#define ITM_CUDA_TRY(call) ::itm::cuda::check((call), #call, __FILE__, __LINE__)
