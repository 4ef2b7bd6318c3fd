#include "backend/backend.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#ifdef ITM_HAVE_CUDA
#include "kernels/cuda_device_api.hpp"
#include "kernels/zoo_engine.hpp"
#endif

namespace itm {

std::shared_ptr<ItmEngine> open_cuda_engine(const EngineOptions& options) {
  (void)resolve_backend(Backend::cuda);  // says what is missing
#ifdef ITM_HAVE_CUDA
  ZooEngineOptions engine;
  engine.memory_budget = options.memory_budget;
  engine.half_features = options.half_features;
  return cuda::make_zoo_engine(cuda::make_cuda_device_api(), engine);
#else
  (void)options;
  throw DeviceError("this build of itm has no CUDA support; pass --backend cpu");
#endif
}

}  // namespace itm
