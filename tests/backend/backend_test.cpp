// The choice of a processor: `automatic` always works, `cuda` says in one sentence what is missing.

#include <gtest/gtest.h>

#include "backend/backend.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

/// Every state in which CUDA cannot be used.
constexpr CudaState obstacles[] = {CudaState::not_built, CudaState::no_driver, CudaState::driver_too_old,
                                   CudaState::no_device, CudaState::broken};

std::string refusal(const CudaProbe& probe) {
  try {
    (void)choose_backend(Backend::cuda, probe);
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.status(), ExitStatus::no_device);
    return error.what();
  }
  ADD_FAILURE() << "cuda was accepted although nothing can run it";
  return {};
}

TEST(Backend, CpuNeedsNoNoteWhateverTheMachine) {
  for (const CudaState state : obstacles) {
    const BackendChoice choice = choose_backend(Backend::cpu, {state, "X"});
    EXPECT_FALSE(choice.cuda);
    EXPECT_EQ(choice.note, "");
  }
}

TEST(Backend, AutomaticFallsBackToTheCpuAndSaysSo) {
  for (const CudaState state : obstacles) {
    const BackendChoice choice = choose_backend(Backend::automatic, {state, "X"});
    EXPECT_FALSE(choice.cuda);
    EXPECT_NE(choice.note.find("using the CPU"), std::string::npos) << choice.note;
  }
  EXPECT_EQ(choose_backend(Backend::automatic, {CudaState::no_driver, ""}).note, "no CUDA device found; using the CPU");
}

TEST(Backend, AReadyDeviceIsTakenUnlessTheCpuIsAskedFor) {
  const CudaProbe ready{CudaState::ready, "NVIDIA H100"};
  EXPECT_TRUE(choose_backend(Backend::automatic, ready).cuda);
  EXPECT_EQ(choose_backend(Backend::automatic, ready).note, "");
  EXPECT_TRUE(choose_backend(Backend::cuda, ready).cuda);
  EXPECT_FALSE(choose_backend(Backend::cpu, ready).cuda);
}

TEST(Backend, CudaNamesWhatIsMissing) {
  EXPECT_NE(refusal({CudaState::not_built, ""}).find("no CUDA support"), std::string::npos);
  EXPECT_NE(refusal({CudaState::no_driver, ""}).find("no NVIDIA driver"), std::string::npos);
  EXPECT_NE(refusal({CudaState::driver_too_old, ""}).find("older"), std::string::npos);
  EXPECT_NE(refusal({CudaState::no_device, ""}).find("no CUDA device"), std::string::npos);
  EXPECT_NE(refusal({CudaState::broken, "error 999"}).find("error 999"), std::string::npos);
}

TEST(Backend, CudaRefusalNamesTheRemedy) {
  for (const CudaState state : obstacles) {
    EXPECT_NE(refusal({state, "X"}).find("--backend cpu"), std::string::npos);
  }
}

TEST(Backend, ThisMachineResolvesWithoutSurprise) {
  if (probe_cuda().state == CudaState::ready) {
    EXPECT_TRUE(resolve_backend(Backend::automatic).cuda);
    EXPECT_NE(open_cuda_engine()->device(), "");
  } else {
    EXPECT_FALSE(resolve_backend(Backend::automatic).cuda);
    EXPECT_THROW((void)resolve_backend(Backend::cuda), DeviceError);
    EXPECT_THROW((void)open_cuda_engine(), DeviceError);
  }
}

}  // namespace
}  // namespace itm
