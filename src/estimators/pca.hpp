#pragma once
// Principal components of a model's features.

#include "estimators/model_session.hpp"

namespace itm {

/// The rows about their mean in the leading min(count, D, N) principal axes, [N, K], from the exact eigenvectors of
/// the smaller of X^T X and X X^T. Throws InputError when their products overflow.
[[nodiscard]] Matrix leading_components(const ModelInput& input, std::size_t count);

}  // namespace itm
