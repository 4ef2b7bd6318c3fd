#include <fmt/format.h>

#include <algorithm>

#include "backend/backend.hpp"
#include "engine/self_check.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#ifdef ITM_HAVE_CUDA
#include "kernels/cuda_device_api.hpp"
#include "kernels/zoo_engine.hpp"
#endif

namespace itm {
namespace {

void require_self_check(ItmEngine& engine, const EngineOptions& options) {
  const std::vector<Deviation> stages = self_check(engine);
  if (options.checked) {
    options.checked(stages);
  }
  const auto wrong = std::find_if(stages.begin(), stages.end(), [](const Deviation& stage) { return !stage.within; });
  if (wrong != stages.end()) {
    throw DeviceError(fmt::format(
        "{}: the self-check finds {} off by {:.1e} where {:.0e} is rounding; pass --backend cpu, and report "
        "it with the output of itm --version",
        engine.device(), wrong->name, wrong->frobenius, wrong->tolerance));
  }
}

}  // namespace

std::shared_ptr<ItmEngine> open_cuda_engine([[maybe_unused]] const EngineOptions& options) {
  (void)resolve_backend(Backend::cuda);  // says what is missing
#ifdef ITM_HAVE_CUDA
  ZooEngineOptions of_engine;
  of_engine.memory_budget = options.memory_budget;
  of_engine.half_features = options.half_features;
  of_engine.say = options.say;
  auto engine = cuda::make_zoo_engine(cuda::make_cuda_device_api(options.device), of_engine);
  if (options.self_check) {
    require_self_check(*engine, options);
  }
  return engine;
#else
  (void)require_self_check;
  throw DeviceError("this build of itm has no CUDA support; pass --backend cpu");
#endif
}

std::shared_ptr<ItmEngine> open_engine(Backend wanted, const EngineOptions& options) {
  const auto say = [&](const std::string& sentence) {
    if (options.say && !sentence.empty()) {
      options.say(sentence);
    }
  };
  const BackendChoice choice = resolve_backend(wanted);
  if (!choice.cuda) {
    say(choice.note);
    return nullptr;
  }
  try {
    return open_cuda_engine(options);
  } catch (const DeviceError& error) {
    if (wanted == Backend::cuda) {
      throw;
    }
    say(std::string(error.what()) + "; using the CPU");
    return nullptr;
  }
}

}  // namespace itm
