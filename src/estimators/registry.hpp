#pragma once
// A new system is one file that defines such a function, declared here, and one line in registry.cpp.

#include "itm/estimator.hpp"

namespace itm {

[[nodiscard]] Estimator itm_estimator();
[[nodiscard]] Estimator logme_estimator();
[[nodiscard]] Estimator sfda_estimator();
[[nodiscard]] Estimator ped_estimator();
[[nodiscard]] Estimator hscore_estimator();
[[nodiscard]] Estimator etran_estimator();
[[nodiscard]] Estimator nleep_estimator();
[[nodiscard]] Estimator parc_estimator();
[[nodiscard]] Estimator nce_estimator();
[[nodiscard]] Estimator leep_estimator();
[[nodiscard]] Estimator ncti_estimator();
[[nodiscard]] Estimator pactran_estimator();
[[nodiscard]] Estimator pactran_dirichlet_estimator();
[[nodiscard]] Estimator gbc_estimator();
[[nodiscard]] Estimator lead_estimator();
[[nodiscard]] Estimator transrate_estimator();
[[nodiscard]] Estimator knn_estimator();
[[nodiscard]] Estimator linear_probe_estimator();

}  // namespace itm
