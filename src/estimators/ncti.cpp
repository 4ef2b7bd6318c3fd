// NCTI, neural collapse inspired transferability (Wang et al., "How Far Pre-trained Models Are from Neural Collapse on
// the Target Dataset Informs their Transferability", ICCV 2023; BUserName/NCTI, metrics.NCTI_Score): PCA, a linear
// discriminant, and three parts that are min-max scaled over the zoo.
//
// Everything after the PCA takes place in at most 64 dimensions. scikit-learn solves for the discriminant's directions
// by singular values of N x 64 matrices; here they come from 64 x 64 scatter matrices.

#include "estimators/ncti.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>

#include "estimators/registry.hpp"
#include "numerics/lda.hpp"
#include "numerics/pca.hpp"

namespace itm {
namespace {

constexpr std::size_t components = 64;

/// A B^T.
Matrix times_transposed(Device& device, ConstView a, ConstView b) {
  Matrix product = device.scratch(a.rows(), b.rows());
  device.multiply(1, a, Op::none, b, Op::transpose, 0, product);
  return product;
}

/// L^-1 S L^-T of a symmetric S, both triangles.
Matrix whitened_both_ways(Device& device, ConstView l, const Matrix& s) {
  device.whiten_rows(l, s);
  Matrix turned = device.scratch(s.cols(), s.rows());
  device.transpose(s, turned);
  device.whiten_rows(l, turned);
  return turned;
}

/// Sum of the singular values of some matrices. The eigenvalues of a matrix's smaller Gram matrix hold the large ones
/// in full, the small ones not; what is left without the large ones is looked at again, of all matrices together.
class NuclearNorms {
 public:
  explicit NuclearNorms(Device& device) : device_(device) {}

  /// Adds the norm of X [m, n], later.
  void add(Matrix x) {
    if (x.rows() > x.cols()) {
      Matrix turned = device_.scratch(x.cols(), x.rows());
      device_.transpose(x, turned);
      x = std::move(turned);
    }
    if (x.rows() > 0) {
      parts_.push_back({std::move(x), 0});
    }
  }

  /// Waits once a round, two or three times.
  double sum(const std::function<void()>& checkpoint) {
    while (!parts_.empty()) {
      look(checkpoint);
    }
    return total_;
  }

 private:
  struct Part {
    Matrix x;            ///< [m, n], m <= n
    double largest = 0;  ///< eigenvalue so far
  };

  void look(const std::function<void()>& checkpoint) {
    std::size_t widest = 0;
    for (const Part& part : parts_) {
      widest = std::max(widest, part.x.rows());
    }
    const Matrix values = device_.matrix(parts_.size(), widest);
    std::vector<Matrix> vectors;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      checkpoint();
      vectors.push_back(times_transposed(device_, parts_[i].x, parts_[i].x));
      device_.symmetric_eigen(vectors[i], values.row(i).columns(0, parts_[i].x.rows()));
    }
    const std::vector<double> all = device_.read(values);
    std::vector<Part> left;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto value = std::span(all).subspan(i * widest, parts_[i].x.rows());  // ascending
      if (std::optional<Part> part = rest_of(parts_[i], vectors[i], value)) {
        left.push_back(std::move(*part));
      }
    }
    parts_ = std::move(left);
  }

  /// Adds the large singular values; what is left without them.
  std::optional<Part> rest_of(const Part& part, const Matrix& vectors, std::span<const double> value) {
    constexpr double in_full = 1e-8;      // share of the largest eigenvalue: twelve digits of its root
    constexpr double negligible = 1e-26;  // of the largest of all
    const double largest = std::max(part.largest, value.back());
    if (!(value.back() > negligible * largest)) {
      return std::nullopt;
    }
    std::size_t left = 0;
    while (value[left] < in_full * value.back()) {
      ++left;
    }
    for (std::size_t i = left; i < value.size(); ++i) {
      total_ += std::sqrt(value[i]);
    }
    if (left == 0) {
      return std::nullopt;
    }
    Part rest{device_.scratch(left, part.x.cols()), largest};
    device_.multiply(1, vectors.rows(0, left), Op::none, part.x, Op::none, 0, rest.x);
    return rest;
  }

  Device& device_;
  std::vector<Part> parts_;
  double total_ = 0;
};

/// The rows on their principal components, with their scatter.
struct Reduced {
  Matrix rows;                 ///< N x k, about their mean
  Matrix total;                ///< k x k: mean of x x^T
  Matrix within;               ///< k x k: mean of (x - m_y)(x - m_y)^T
  Matrix means;                ///< C x k; zeros where a class has no rows
  std::vector<double> sizes;   ///< C
  std::vector<double> priors;  ///< C
  std::size_t present = 0;     ///< classes with rows
};

Reduced reduce(const ModelInput& input, NumpyRandom& random) {
  Device& device = input.device();
  Reduced made;
  made.rows = input.exact() ? principal_components(input, {.most = components, .share = 2}).projected
                            : scikit_components(input, components, random);
  const std::size_t dims = made.rows.cols();
  const auto n = static_cast<double>(input.rows());
  made.sizes = input.class_sizes();
  std::vector<double> inverse_size;
  for (const double size : made.sizes) {
    inverse_size.push_back(size > 0 ? 1 / size : 0);
    made.priors.push_back(size / n);
    made.present += size > 0 ? 1 : 0;
  }
  const Classes& classes = input.class_rows();
  made.means = device.matrix(input.classes(), dims);
  device.add_class_sums(made.rows, classes.rows(), made.means);
  device.scale_rows(device.matrix_of(inverse_size, 1, inverse_size.size()), made.means);

  made.total = device.matrix(dims, dims);
  device.add_gram(1 / n, made.rows, made.total);
  device.symmetrise(made.total);
  const Matrix centred = device.copy_of(made.rows);
  device.add_indexed_rows(-1, made.means, classes.labels(), centred);
  made.within = device.matrix(dims, dims);
  device.add_gram(1 / n, centred, made.within);
  device.symmetrise(made.within);
  return made;
}

/// max(exp(-sum of the 32 largest variances), 1e-10), the variances divided by N - 1.
double shrinkage_of(Device& device, const Reduced& x) {
  constexpr std::size_t counted = 32;
  constexpr double least = 1e-10;
  const Matrix squares = device.scratch(1, x.total.cols());
  device.diagonal(x.total, squares);
  const auto n = static_cast<double>(x.rows.rows());
  const double variance = device.sum(squares.columns(0, std::min(counted, squares.cols()))) * n / (n - 1);
  return std::max(std::exp(-variance), least);
}

/// A discriminant and the nuclear norm of the rows on its directions.
struct Collapse {
  Discriminant rule;
  double nuclear = 0;
};

/// Nuclear norm of the rows on directions U [r, k] of whitened axes: `total` is the rows' scatter there.
double nuclear_norm_of_rows(Device& device, ConstView total, ConstView directions, double n) {
  Matrix turned = device.scratch(directions.rows(), total.cols());
  device.multiply(n, directions, Op::none, total, Op::none, 0, turned);
  const Matrix gram = times_transposed(device, turned, directions);
  const Matrix values = device.scratch(1, gram.rows());
  device.symmetric_eigen(gram, values);
  double norm = 0;
  for (const double value : device.read(values)) {
    norm += std::sqrt(std::max(value, 0.0));
  }
  return norm;
}

/// LinearDiscriminantAnalysis(solver='eigen', shrinkage): generalised eigenvectors of the scatter between and within.
Collapse shrunk_discriminant(const ModelInput& input, const Reduced& x, double shrinkage) {
  Device& device = input.device();
  const std::size_t dims = x.total.rows();
  const auto shrunk = [&](const Matrix& s) {
    Matrix made = device.copy_of(s);
    const Matrix diagonal = device.scratch(1, dims);
    device.diagonal(s, diagonal);
    const double spread = device.sum(diagonal) / static_cast<double>(dims);
    device.scale(1 - shrinkage, made);
    device.add_to_diagonal(shrinkage * spread, made);
    return made;
  };
  Collapse made{discriminant(device, x.means, x.priors, device.copy_of(x.within), shrinkage), 0};
  const Matrix within = shrunk(x.within);
  const Matrix between = shrunk(x.total);
  device.add(-1, within, between);
  if (!device.cholesky(within)) {
    return made;  // classes without any spread: the rule tells nothing apart either
  }
  const Matrix directions = whitened_both_ways(device, within, between);
  const Matrix values = device.scratch(1, dims);
  device.symmetric_eigen(directions, values);
  const std::size_t kept = std::min(x.present - 1, dims);
  const Matrix total = whitened_both_ways(device, within, device.copy_of(x.total));
  made.nuclear =
      nuclear_norm_of_rows(device, total, directions.rows(dims - kept, kept), static_cast<double>(input.rows()));
  return made;
}

/// LinearDiscriminantAnalysis(solver='svd'): whitened by the scatter within, without directions that have none of it.
Collapse plain_discriminant(const ModelInput& input, const Reduced& x) {
  constexpr double tolerance = 1e-4;  // scikit-learn's, of singular values
  Device& device = input.device();
  const std::size_t dims = x.total.rows();
  const std::size_t classes = input.classes();
  const auto n = static_cast<double>(input.rows());

  // Within: columns over their deviation, then turned onto the axes of their correlation.
  const Matrix variances = device.scratch(1, dims);
  device.diagonal(x.within, variances);
  std::vector<double> inverse = device.read(variances);
  const double rounding =
      n * std::numeric_limits<double>::epsilon() * *std::max_element(inverse.begin(), inverse.end());
  for (double& value : inverse) {
    value = value > rounding ? 1 / std::sqrt(value) : 0;  // a component of rounding is none
  }
  const Matrix scale = device.matrix_of(inverse, 1, dims);
  const Matrix axes = device.copy_of(x.within);
  device.scale_columns(scale, axes);
  device.scale_rows(scale, axes);
  device.scale(n / (n - static_cast<double>(x.present)), axes);
  const Matrix values = device.scratch(1, dims);
  device.symmetric_eigen(axes, values);
  std::vector<double> length = device.read(values);  // ascending
  const auto cut = std::upper_bound(length.begin(), length.end(), tolerance * tolerance);
  const std::size_t first = static_cast<std::size_t>(cut - length.begin());
  const std::size_t rank = dims - first;
  Collapse made{{device.matrix(classes, dims), device.matrix(1, classes)}, 0};
  if (rank == 0) {
    return made;
  }
  std::transform(cut, length.end(), cut, [](double value) { return 1 / std::sqrt(value); });
  const View whitening = axes.rows(first, rank);  // rank x k: row i whitens axis i
  device.scale_rows(device.matrix_of(std::span(length).subspan(first), 1, rank), whitening);
  device.scale_columns(scale, whitening);

  // Between: directions of the whitened class means, weighted by the classes' sizes.
  const Matrix means = times_transposed(device, x.means, whitening);  // C x rank; the overall mean is 0
  std::vector<double> weight;
  std::vector<double> log_prior;
  for (const double size : x.sizes) {
    weight.push_back(std::sqrt(size / static_cast<double>(x.present - 1)));
    log_prior.push_back(std::log(size / n));
  }
  const Matrix weighted = device.copy_of(means);
  device.scale_rows(device.matrix_of(weight, 1, classes), weighted);
  const Matrix between = device.matrix(rank, rank);
  device.add_gram(1, weighted, between);
  const Matrix spreads = device.scratch(1, rank);
  device.symmetric_eigen(between, spreads);
  const std::vector<double> spread = device.read(spreads);
  const double least = std::max(tolerance * tolerance * spread.back(), 0.0);
  const auto kept_from = std::upper_bound(spread.begin(), spread.end(), least);
  const std::size_t kept = static_cast<std::size_t>(spread.end() - kept_from);
  if (kept == 0) {
    return made;
  }
  const View directions = between.rows(rank - kept, kept);  // kept x rank

  // The rule is the nearest mean in the kept directions.
  const Matrix projected = times_transposed(device, means, directions);  // C x kept
  const Matrix turned = device.scratch(kept, dims);
  device.multiply(1, directions, Op::none, whitening, Op::none, 0, turned);
  device.multiply(1, projected, Op::none, turned, Op::none, 0, made.rule.coefficients);
  device.row_squares(projected, made.rule.intercept);
  device.scale(-0.5, made.rule.intercept);
  device.add(1, device.matrix_of(log_prior, 1, classes), made.rule.intercept);

  const std::size_t shown = std::min({x.present - 1, dims, kept});
  made.nuclear = nuclear_norm_of_rows(device, x.total, turned.rows(kept - shown, shown), n);
  return made;
}

Scored score_ncti(const ModelInput& input) {
  NumpyRandom random(static_cast<std::uint32_t>(input.seed() ^ (input.seed() >> 32U)));
  const NctiParts parts = ncti_parts(input, random);
  Scored scored;
  scored.details["ncti_all_feature_nuclear"] = parts.all_feature_nuclear;
  scored.details["ncti_mean_probability"] = parts.mean_probability;
  scored.details["ncti_log_class_nuclear"] = parts.log_class_nuclear;
  scored.details["ncti_dims"] = parts.dims;
  scored.details["ncti_shrinkage"] = parts.shrinkage;
  return scored;
}

void combine_parts(std::vector<Scored*>& models) {
  add_scaled_detail(models, "ncti_all_feature_nuclear", 1);
  add_scaled_detail(models, "ncti_mean_probability", 1);
  add_scaled_detail(models, "ncti_log_class_nuclear", -1);
}

/// A Gram matrix, some products with it, a discriminant in 64 dimensions, and singular values of every class.
Cost cost_of_ncti(const Workload& work, const RankOptions&) {
  const double narrow = std::min(work.rows, work.dims);
  const double dims = std::min<double>(components, narrow);
  const double of_class = std::min(work.rows / work.classes, work.classes);
  return {6e-9 * std::pow(dims, 3) + 1.2e-7 * work.classes * of_class * of_class +
              2e-11 * (work.rows * work.dims * narrow + 1500 * narrow * narrow) +
              3e-11 * work.rows * dims * (work.dims + 4 * work.classes) + 2e-9 * work.rows * work.classes,
          work.bytes + 16 * narrow * narrow + 16 * work.rows * dims + 24 * work.rows * work.classes};
}

}  // namespace

NctiParts ncti_parts(const ModelInput& input, NumpyRandom& random) {
  Device& device = input.device();
  const Reduced x = reduce(input, random);
  NctiParts parts;
  parts.dims = x.rows.cols();
  const double shrinkage = shrinkage_of(device, x);
  constexpr double floor = 1e-10;
  const Collapse collapse = shrinkage > floor ? shrunk_discriminant(input, x, shrinkage) : plain_discriminant(input, x);
  parts.shrinkage = shrinkage > floor ? shrinkage : 0;
  parts.all_feature_nuclear = collapse.nuclear;

  const Matrix p = times_transposed(device, x.rows, collapse.rule.coefficients);
  device.add_to_rows(1, collapse.rule.intercept, p);
  device.softmax_rows(p);
  const Matrix own = device.scratch(1, input.rows());
  device.pick(p, input.class_rows().labels(), own);
  parts.mean_probability = device.sum(own) / static_cast<double>(input.rows());
  NuclearNorms norms(device);
  std::size_t first = 0;
  for (const double size : x.sizes) {
    const auto count = static_cast<std::size_t>(size);
    if (count > 0) {
      Matrix members = device.scratch(count, input.classes());
      device.gather_rows(p, input.class_rows().order().columns(first, count), members);
      norms.add(std::move(members));
    }
    first += count;
  }
  parts.log_class_nuclear = std::log(norms.sum([&] { input.check_cancelled(); }));
  return parts;
}

Estimator ncti_estimator() {
  return model_estimator({.name = "ncti",
                          .description = "closeness to neural collapse: spread, discriminability and compactness",
                          .citation = "Wang et al., How Far Pre-trained Models Are from Neural Collapse on the Target "
                                      "Dataset Informs their Transferability, ICCV 2023",
                          .seeded = true,
                          .float32 = false,
                          .of_company = true,
                          .cost = cost_of_ncti},
                         score_ncti, combine_parts);
}

}  // namespace itm
