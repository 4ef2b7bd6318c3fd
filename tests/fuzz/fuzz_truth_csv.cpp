// Any text as a ground-truth table.

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "io/truth_csv.hpp"
#include "itm/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const itm::GroundTruth truth = itm::io::parse_ground_truth("fuzz.csv", {reinterpret_cast<const char*>(data), size});
    if (truth.models.empty() || truth.datasets.empty()) std::abort();
    for (const auto& [dataset, models] : truth.accuracy) {
      for (const auto& [model, accuracy] : models) {
        if (!std::isfinite(accuracy)) std::abort();
      }
    }
  } catch (const itm::InputError&) {
  }
  return 0;
}
