#pragma once
// SFDA's two passes, for SFDA and for PED, which moves the classes first.

#include "numerics/lda.hpp"
#include "session/method.hpp"

namespace itm {

/// Score and details `sfda_shrinkage_first_pass`, `sfda_first_pass_mean_prob`.
[[nodiscard]] Scored sfda(const ModelInput& input);

}  // namespace itm
