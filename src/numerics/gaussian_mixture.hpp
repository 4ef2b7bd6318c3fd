#pragma once
// A Gaussian mixture with full covariances, fitted by expectation maximisation as scikit-learn 1.2 does it
// (sklearn.mixture.GaussianMixture), in the log domain.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "itm/device.hpp"

namespace itm {

struct MixtureOptions {
  std::size_t most_iterations = 100;
  double tolerance = 1e-3;  ///< stop when the mean log likelihood of a row moves by less
  double floor = 1e-6;      ///< added to every variance; ten times more where a covariance stays singular
};

struct MixtureFit {
  std::unique_ptr<Mixture> mixture;  ///< has every row's responsibilities
  std::size_t iterations = 0;
  bool converged = false;
  double log_likelihood = 0;  ///< mean over the rows, of the parameters before the last step
};

/// Fits as many components as `labels` [N, in 0..components-1] may name to the rows of `x` [N, d], starting from the
/// labels' means and covariances. Columns should be ordered by variance, the largest first: the leading ones decide
/// early which components a row is too far from. Calls `checkpoint` now and then; it may throw.
[[nodiscard]] MixtureFit fit_gaussian_mixture(Device& device, ConstView x, const Index& labels, std::size_t components,
                                              const std::function<void()>& checkpoint,
                                              const MixtureOptions& options = {});

}  // namespace itm
