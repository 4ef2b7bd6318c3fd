#pragma once
// A new system is one file that defines such a function, declared here, and one line in registry.cpp.

#include "itm/estimator.hpp"

namespace itm {

[[nodiscard]] Estimator itm_estimator();
[[nodiscard]] Estimator logme_estimator();
[[nodiscard]] Estimator sfda_estimator();

}  // namespace itm
