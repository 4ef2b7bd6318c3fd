#include "numerics/gaussian_mixture.hpp"

#include <cmath>
#include <limits>

namespace itm {

MixtureFit fit_gaussian_mixture(Device& device, ConstView x, const Index& labels, std::size_t components,
                                const std::function<void()>& checkpoint, const MixtureOptions& options) {
  MixtureFit fit;
  fit.mixture = device.mixture(x, labels, components, options.floor);
  fit.log_likelihood = -std::numeric_limits<double>::infinity();
  while (!fit.converged && fit.iterations < options.most_iterations) {
    const double before = fit.log_likelihood;
    fit.log_likelihood = fit.mixture->step(checkpoint);
    ++fit.iterations;
    fit.converged = std::abs(fit.log_likelihood - before) < options.tolerance;
  }
  (void)fit.mixture->step(checkpoint);  // responsibilities of the last parameters
  return fit;
}

}  // namespace itm
