// The engine against float64 autograd traces: losses, first-iteration intermediates and gradients, final parameters and
// curve.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <tuple>

#include "itm/error.hpp"
#include "itm/verify.hpp"

namespace {

using itm::Precision;
using itm::Recurrence;

class Replay : public testing::TestWithParam<std::tuple<std::string, Precision, Recurrence>> {};

TEST_P(Replay, StaysWithinTolerance) {
  const auto& [name, precision, recurrence] = GetParam();
  const std::filesystem::path folder = std::filesystem::path(ITM_TEST_DATA) / "itm_trace" / name;
  const std::vector<itm::Deviation> deviations = itm::replay_trace(folder, precision, recurrence);
  EXPECT_EQ(deviations.size(), 16U) << "dispersion, losses, two curves, eight iteration-1 arrays, four final arrays";
  for (const itm::Deviation& d : deviations) {
    EXPECT_TRUE(d.within) << d.name << ": relative " << d.relative << ", Frobenius " << d.frobenius << ", allowed "
                          << d.tolerance;
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, Replay,
                         testing::Combine(testing::Values("small", "wide", "nstep", "classes_over_dims"),
                                          testing::Values(Precision::float64, Precision::float32),
                                          testing::Values(Recurrence::gram, Recurrence::factored)),
                         [](const auto& tested) {
                           return std::get<0>(tested.param) +
                                  (std::get<1>(tested.param) == Precision::float64 ? "_float64" : "_float32") +
                                  (std::get<2>(tested.param) == Recurrence::gram ? "_gram" : "_factored");
                         });

TEST(ReplayErrors, NameTheMissingTrace) {
  try {
    (void)itm::replay_trace("no/such/folder", Precision::float64, Recurrence::gram);
    FAIL() << "nothing was thrown";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("no/such/folder/trace.json"), std::string::npos);
  }
}

}  // namespace
