#pragma once
// Which processor a command runs on: what the user asked for, weighed against what the build and the machine offer.

#include <cstdint>
#include <memory>
#include <string>

#include "itm/engine.hpp"

namespace itm {

struct BackendChoice {
  bool cuda = false;
  std::string note;  ///< one sentence for the user where the choice needs one, else empty
};

/// What stands between the user and CUDA; `ready`: nothing.
enum class CudaState : std::uint8_t { ready, not_built, no_driver, driver_too_old, no_device, broken };

/// What was found out about CUDA.
struct CudaProbe {
  CudaState state = CudaState::not_built;
  std::string detail;  ///< ready: the device's name; broken: what the runtime said
};

/// Looks at the build and the machine. Never throws: a runtime that fails is reported as `broken`.
[[nodiscard]] CudaProbe probe_cuda();

/// The decision alone. `automatic` falls back to the CPU with a note that says why; `cuda` throws DeviceError, one
/// sentence with the reason and the remedy, when CUDA cannot be used.
[[nodiscard]] BackendChoice choose_backend(Backend wanted, const CudaProbe& probe);

/// choose_backend for this build and machine; `cpu` never touches the driver.
[[nodiscard]] BackendChoice resolve_backend(Backend wanted);

/// The engine that `wanted` comes to: null for the CPU. `automatic` uses the CPU with a sentence to options.say where
/// CUDA cannot be used or its self-check fails; `cuda` throws DeviceError.
[[nodiscard]] std::shared_ptr<ItmEngine> open_engine(Backend wanted, const EngineOptions& options);

}  // namespace itm
