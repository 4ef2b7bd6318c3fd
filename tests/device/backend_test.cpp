// The choice of a processor: `automatic` always works, `cuda` says in one sentence what is missing.

#include <gtest/gtest.h>

#include "device/backend.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

constexpr CudaState every_state[] = {CudaState::not_built, CudaState::no_driver, CudaState::driver_too_old,
                                     CudaState::no_device, CudaState::broken,    CudaState::no_engine};

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
  for (const CudaState state : every_state) {
    const BackendChoice choice = choose_backend(Backend::cpu, {state, "X"});
    EXPECT_FALSE(choice.cuda);
    EXPECT_EQ(choice.note, "");
  }
}

TEST(Backend, AutomaticFallsBackToTheCpuAndSaysSo) {
  for (const CudaState state : every_state) {
    const BackendChoice choice = choose_backend(Backend::automatic, {state, "X"});
    EXPECT_FALSE(choice.cuda);
    EXPECT_NE(choice.note.find("using the CPU"), std::string::npos) << choice.note;
  }
  EXPECT_EQ(choose_backend(Backend::automatic, {CudaState::no_driver, ""}).note, "no CUDA device found; using the CPU");
}

TEST(Backend, AutomaticOwnsUpToADeviceItCannotUse) {
  const std::string note = choose_backend(Backend::automatic, {CudaState::no_engine, "NVIDIA H100"}).note;
  EXPECT_EQ(note, "found NVIDIA H100, but itm has no CUDA engine yet; using the CPU");
}

TEST(Backend, CudaNamesWhatIsMissing) {
  EXPECT_NE(refusal({CudaState::not_built, ""}).find("no CUDA support"), std::string::npos);
  EXPECT_NE(refusal({CudaState::no_driver, ""}).find("no NVIDIA driver"), std::string::npos);
  EXPECT_NE(refusal({CudaState::driver_too_old, ""}).find("older"), std::string::npos);
  EXPECT_NE(refusal({CudaState::no_device, ""}).find("no CUDA device"), std::string::npos);
  EXPECT_NE(refusal({CudaState::broken, "error 999"}).find("error 999"), std::string::npos);
  EXPECT_NE(refusal({CudaState::no_engine, "NVIDIA H100"}).find("NVIDIA H100"), std::string::npos);
}

TEST(Backend, CudaRefusalNamesTheRemedy) {
  for (const CudaState state : every_state) {
    EXPECT_NE(refusal({state, "X"}).find("--backend cpu"), std::string::npos);
  }
}

TEST(Backend, ThisMachineResolvesWithoutSurprise) {
  EXPECT_FALSE(resolve_backend(Backend::automatic).cuda);
  EXPECT_THROW((void)resolve_backend(Backend::cuda), DeviceError);
}

}  // namespace
}  // namespace itm
