// The whole device pipeline, every kernel included, against the CPU engine and the golden traces.

#include "kernels/zoo_engine.hpp"

#include <gtest/gtest.h>

#include "host_cuda/host_device_api.hpp"
#include "itm/verify.hpp"
#include "made_zoo.hpp"

namespace itm {
namespace {

std::shared_ptr<ItmEngine> engine() {
  return host_cuda::make_zoo_engine(host_cuda::make_host_device_api(), {});
}

class EngineReplay : public ::testing::TestWithParam<std::tuple<std::string, Precision, Recurrence>> {};

TEST_P(EngineReplay, StaysWithinTolerance) {
  const auto& [name, precision, recurrence] = GetParam();
  const std::filesystem::path folder = std::filesystem::path(ITM_TEST_DATA) / "itm_trace" / name;
  const std::vector<Deviation> deviations = replay_trace(folder, precision, recurrence, engine().get());
  EXPECT_EQ(deviations.size(), 16U);
  for (const Deviation& d : deviations) {
    EXPECT_TRUE(d.within) << d.name << ": relative " << d.relative << ", Frobenius " << d.frobenius << ", allowed "
                          << d.tolerance;
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, EngineReplay,
                         ::testing::Combine(::testing::Values("small", "wide", "nstep", "classes_over_dims"),
                                          ::testing::Values(Precision::float64, Precision::float32),
                                          ::testing::Values(Recurrence::gram, Recurrence::factored)));
TEST(Engine, Verify) {
  const testing::TemporaryFolder folder;
  testing::write_small_zoo(folder.path());
  ItmOptions options;
  options.iterations = 120;
  options.batch_size = 32;
  const VerifyReport report = verify_dataset(discover_zoo(folder.path()), "made", options, Precision::float32, 2, {},
                                             {}, engine().get());
  EXPECT_TRUE(report.within);
  for (const StageDeviation& stage : report.stages) {
    EXPECT_TRUE(stage.worst.within) << stage.worst.name << " " << stage.worst.frobenius << " in " << stage.model;
  }
}
}  // namespace
}  // namespace itm
