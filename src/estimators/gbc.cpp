// GBC, Gaussian Bhattacharyya coefficient (Pandy et al., "Transferability Estimation Using Bhattacharyya Class
// Separability", CVPR 2022; google-research/stable_transfer, gbc.py): minus the overlap of Gaussians fitted to the
// classes, summed over ordered pairs.

#include <algorithm>
#include <cmath>

#include "estimators/registry.hpp"
#include "numerics/pca.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

/// A Gaussian per class with independent coordinates.
struct ClassGaussians {
  std::size_t dims = 0;
  std::vector<double> mean;      ///< C x K
  std::vector<double> variance;  ///< C x K, at least 1e-4
  std::vector<double> size;      ///< C
};

ClassGaussians fit(const ModelInput& input, ConstView x) {
  constexpr double least_variance = 1e-4;
  Device& device = input.device();
  const Matrix means = device.scratch(input.classes(), x.cols());
  const Matrix variances = device.scratch(input.classes(), x.cols());
  device.class_moments(x, input.class_rows(), means, variances);
  auto read = device.read({means, variances});
  ClassGaussians made{x.cols(), std::move(read[0]), std::move(read[1]), input.class_sizes()};
  for (double& variance : made.variance) {
    variance = std::max(variance, least_variance);
  }
  return made;
}

/// All variances of a class become their mean.
void make_spherical(ClassGaussians& g) {
  for (auto first = g.variance.begin(); first != g.variance.end();) {
    const auto last = first + static_cast<std::ptrdiff_t>(g.dims);
    double mean = 0;
    std::for_each(first, last, [&](double v) { mean += v / static_cast<double>(g.dims); });
    std::fill(first, last, mean);
    first = last;
  }
}

/// Bhattacharyya distance of classes a and b; `log_weight` is the weight of the determinants' part.
double distance(const ClassGaussians& g, std::size_t a, std::size_t b, double log_weight) {
  double squares = 0;
  double logs = 0;
  for (std::size_t d = 0; d < g.dims; ++d) {
    const double va = g.variance[a * g.dims + d];
    const double vb = g.variance[b * g.dims + d];
    const double v = (va + vb) / 2;
    const double gap = g.mean[a * g.dims + d] - g.mean[b * g.dims + d];
    squares += gap * gap / v;
    logs += std::log(v / va) + std::log(v / vb);
  }
  return squares / 8 + log_weight * logs / 4;
}

Scored score_gbc(const ModelInput& input) {
  // A share that is never reached: components without variance count too, in a class's mean variance.
  const Matrix x = principal_components(input, {.most = input.count("dims"), .share = 2}).projected;
  ClassGaussians gaussians = fit(input, x);
  double log_weight = 1;
  if (input.word("covariance") == "spherical") {
    make_spherical(gaussians);
    // The published code keeps one variance instead of K equal ones, so its determinants have a single factor.
    log_weight = input.exact() ? 1 : 1 / static_cast<double>(gaussians.dims);
  }
  double overlap = 0;
  for (std::size_t a = 0; a < input.classes(); ++a) {
    input.check_cancelled();
    for (std::size_t b = 0; b < a; ++b) {
      if (gaussians.size[a] > 0 && gaussians.size[b] > 0) {
        overlap += 2 * std::exp(-distance(gaussians, a, b, log_weight));
      }
    }
  }
  Scored scored;
  scored.score = -overlap;
  scored.details["gbc_dims"] = gaussians.dims;
  return scored;
}

}  // namespace

Estimator gbc_estimator() {
  return model_estimator(
      {.name = "gbc",
       .description = "overlap of Gaussians fitted to the classes after PCA",
       .citation = "Pandy et al., Transferability Estimation Using Bhattacharyya Class Separability, CVPR 2022",
       .settings = {{.name = "dims", .standard = 64.0, .help = "Principal components kept", .low = 1, .whole = true},
                    {.name = "covariance",
                     .standard = std::string("spherical"),
                     .help = "Variances of a class: one, or one per component",
                     .words = {"spherical", "diagonal"}}}},
      score_gbc);
}

}  // namespace itm
