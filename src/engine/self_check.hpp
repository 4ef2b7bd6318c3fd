#pragma once
// Whether an engine computes what the CPU does, on a problem so small that it costs milliseconds: asked once when an
// engine is opened, since a first run on a new kind of device must be right or not be.

#include <vector>

#include "itm/deviation.hpp"
#include "itm/engine.hpp"

namespace itm {

/// Trains four made models with `engine` (statistics, split and batches, initial parameters, five iterations recorded
/// and not, two validations) and on the CPU in float64; the deviations of every stage, worst of the models. Throws what
/// the engine throws.
[[nodiscard]] std::vector<Deviation> self_check(ItmEngine& engine);

}  // namespace itm
