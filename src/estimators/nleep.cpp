// N-LEEP (Li et al., "Ranking Neural Checkpoints", CVPR 2021; lixiaotong97/PED, metrics.NLEEP): PCA to 80 % of the
// variance, a Gaussian mixture of some components per class, and the mean over the rows of
// sum_z p(z | x) p(y | z): LEEP's prediction with components for source classes, and without its logarithm.

#include "estimators/nleep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/numpy_random.hpp"
#include "core/text.hpp"
#include "estimators/registry.hpp"
#include "itm/error.hpp"
#include "numerics/gaussian_mixture.hpp"
#include "numerics/k_means.hpp"
#include "numerics/pca.hpp"

namespace itm {
namespace {

constexpr double kept_variance = 0.8;

/// S_yz = sum of p(z | x_i) over the rows of class y: all that the score needs, since the mean over the rows of
/// sum_z p(z | x_i) p(y_i | z) with p(y | z) = S_yz / sum_y' S_y'z is sum_yz S_yz p(y | z) / N.
double score_of(const std::vector<double>& class_sums, std::size_t components, std::size_t rows) {
  double score = 0;
  for (std::size_t z = 0; z < components; ++z) {
    double total = 0;
    double squares = 0;
    for (std::size_t at = z; at < class_sums.size(); at += components) {
      total += class_sums[at];
      squares += class_sums[at] * class_sums[at];
    }
    score += total > 0 ? squares / total : 0;  // a component without rows says nothing
  }
  return score / static_cast<double>(rows);
}

void check_probabilities(const std::vector<double>& p, std::size_t cols, std::size_t first, const Array& file) {
  constexpr double tolerance = 1e-3;
  for (std::size_t i = 0; i < p.size() / cols; ++i) {
    double sum = 0;
    double least = 0;
    for (std::size_t z = 0; z < cols; ++z) {
      sum += p[i * cols + z];
      least = std::min(least, p[i * cols + z]);
    }
    if (least < 0 || !(std::abs(sum - 1) <= tolerance)) {
      throw InputError(
          fmt::format("{}: row {} is no distribution (least value {}, sum {}); give probabilities of mixture "
                      "components that sum to 1",
                      path_text(file.source()), with_commas(first + i), least, sum));
    }
  }
}

/// The score of responsibilities [N, K] that somebody else has fitted.
Scored score_given(const ModelInput& input, const std::string& name) {
  Device& device = input.device();
  const Array file = read_array(name);
  const std::size_t components = file.cols();
  const Matrix sums = device.matrix(input.classes(), components);
  input.for_each_block_of(file, [&](View p, std::size_t first) {
    check_probabilities(device.read(p), components, first, file);
    device.add_class_sums(p, input.class_rows().rows(first, p.rows()), sums);
  });
  Scored scored;
  scored.score = score_of(device.read(sums), components, input.rows());
  scored.details["nleep_gmm_components"] = components;
  return scored;
}

Scored score_nleep(const ModelInput& input) {
  const std::string given = input.word("probabilities");
  return given.empty() ? nleep(input, input.count("ratio")) : score_given(input, given);
}

/// The more rows a component has, the longer EM goes on; it sees about 120 principal components.
Cost cost_of_nleep(const Workload& work, const RankOptions&) {
  return {3.4e-8 * work.rows * work.rows + 2e-7 * work.rows * work.dims,
          work.bytes + 8 * work.rows * (120 + 5 * work.classes) + 32 * work.dims * work.dims};
}

}  // namespace

Scored nleep(const ModelInput& input, std::size_t ratio) {
  Device& device = input.device();
  const std::vector<double> sizes = input.class_sizes();
  const auto present =
      static_cast<std::size_t>(sizes.size()) - static_cast<std::size_t>(std::count(sizes.begin(), sizes.end(), 0.0));
  const std::size_t components = ratio * present;
  if (input.rows() < components) {
    throw InputError(
        fmt::format("{}: has {} rows, but N-LEEP wants at least as many as components, {} x {} classes; lower "
                    "--nleep-ratio",
                    input.file(), with_commas(input.rows()), ratio, present));
  }
  const auto checkpoint = [&] { input.check_cancelled(); };
  const PrincipalComponents pca = principal_components(input, {.share = kept_variance});
  NumpyRandom random(static_cast<std::uint32_t>(input.seed() ^ (input.seed() >> 32U)));
  const KMeansResult start = k_means(device, pca.projected, components, random, checkpoint);
  const MixtureFit fit = fit_gaussian_mixture(device, pca.projected, start.labels, components, checkpoint);

  const Matrix class_sums = device.matrix(input.classes(), components);
  fit.mixture->add_class_sums(input.class_rows(), class_sums);
  Scored scored;
  scored.score = score_of(device.read(class_sums), components, input.rows());
  scored.details["nleep_pca_dims"] = pca.projected.cols();
  scored.details["nleep_pca_energy"] = pca.share;
  scored.details["nleep_gmm_components"] = components;
  scored.details["nleep_kmeans_iterations"] = start.iterations;
  scored.details["nleep_gmm"] = Details{{"iters", fit.iterations}, {"conv", fit.converged}, {"ll", fit.log_likelihood}};
  return scored;
}

Estimator nleep_estimator() {
  return model_estimator(
      {.name = "nleep",
       .description = "how well the components of a Gaussian mixture tell the classes apart",
       .citation = "Li et al., Ranking Neural Checkpoints, CVPR 2021",
       .seeded = true,
       .float32 = false,
       .settings = {{.name = "ratio",
                     .standard = 5.0,
                     .help = "Mixture components per class",
                     .low = 1,
                     .high = 1000,
                     .whole = true},
                    {.name = "probabilities",
                     .standard = std::string(),
                     .help = "Use these responsibilities [N, K] (.npy) instead of fitting a mixture"}},
       .cost = cost_of_nleep},
      score_nleep);
}

}  // namespace itm
