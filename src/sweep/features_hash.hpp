#pragma once

#include <string>

#include "itm/sweep.hpp"

namespace itm::sweep {

/// Of the names and contents of every file that the plan's data sets read, wherever their folder lies. Reads each once.
[[nodiscard]] std::string features_hash(const SweepPlan& plan, int threads);

}  // namespace itm::sweep
