#pragma once
// A run of ITM with everything that two runs are compared by, stage by stage.

#include <cstddef>
#include <functional>
#include <vector>

#include "itm/deviation.hpp"
#include "itm/itm.hpp"

namespace itm {

/// One run with everything that is compared of it.
struct ObservedRun {
  FeatureStatistics statistics;
  ItmResult result;
  IterationSnapshot first;
  std::vector<double> losses;
  std::vector<std::size_t> parameter_iterations;
  std::vector<ItmParameters> parameters;

  /// Asks for all of it; the observer writes into this object.
  [[nodiscard]] ItmObserver observer(std::size_t iterations, const std::function<bool()>& cancelled);
};

/// float32 against float64: rounding through one pass for what the first iteration holds, and through all updates for
/// parameters. `validation_rows`: a score may differ by two of them, whose best logits nearly tie.
[[nodiscard]] std::vector<Deviation> compare_stages(const ObservedRun& got, const ObservedRun& want,
                                                    std::size_t validation_rows);

/// Whether `one` is further off than `other`: beyond its tolerance before within it, then by the Frobenius norm.
[[nodiscard]] bool is_worse(const Deviation& one, const Deviation& other);

}  // namespace itm
