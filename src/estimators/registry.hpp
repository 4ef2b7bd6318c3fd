#pragma once
// A new system is one file that defines such a function, declared here, and one line in registry.cpp.

#include "itm/estimator.hpp"

namespace itm {

[[nodiscard]] Estimator itm_estimator();

}  // namespace itm
