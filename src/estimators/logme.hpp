#pragma once
// LogME as a function, for LogME itself and for PED.

#include "session/method.hpp"

namespace itm {

/// Score and details `logme_alpha`, `logme_beta` (one per target), `logme_rank_kept`.
[[nodiscard]] Scored logme(const ModelInput& input);

}  // namespace itm
