#pragma once
// NCTI's parts with draws from a given generator: published numbers depend on what a script had drawn before.

#include "core/numpy_random.hpp"
#include "session/method.hpp"

namespace itm {

/// What NCTI is made of; the script adds the first two and subtracts the third, each min-max scaled over the models.
struct NctiParts {
  double all_feature_nuclear = 0;  ///< nuclear norm of the rows on the discriminant directions
  double mean_probability = 0;     ///< of the true class
  double log_class_nuclear = 0;    ///< log of the sum over classes of the nuclear norm of their rows of probabilities
  std::size_t dims = 0;            ///< principal components
  double shrinkage = 0;            ///< 0: none, the other discriminant
};

/// NCTI_Score; `random` serves the randomised PCA of --variant published.
[[nodiscard]] NctiParts ncti_parts(const ModelInput& input, NumpyRandom& random);

}  // namespace itm
