#pragma once
// N-LEEP, for itself and for PED.

#include "session/method.hpp"

namespace itm {

/// N-LEEP of a model with `ratio` mixture components per class that has rows. Throws InputError where there are fewer
/// rows than components.
[[nodiscard]] Scored nleep(const ModelInput& input, std::size_t ratio);

}  // namespace itm
