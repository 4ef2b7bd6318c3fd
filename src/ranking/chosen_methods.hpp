#pragma once

#include <vector>

#include "itm/estimator.hpp"

namespace itm {

/// The methods of these names, each once, "all" for all of them. Throws InputError where there is none of a name.
[[nodiscard]] std::vector<const Estimator*> chosen_methods(const MethodList& names);

}  // namespace itm
