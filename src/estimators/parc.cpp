// PARC, pairwise annotation representation comparison (Bolya et al., "Scalable Diverse Model Selection", NeurIPS 2021;
// dbolya/parc, methods.PARC): 100 x Spearman correlation between the distances of all pairs of rows, 1 - Pearson, in
// standardised features and in one-hot labels.
//
// Label distances take two values only, so the correlation follows from the ranks of the same-class pairs. In the
// published code rounding breaks these ties, differently for every BLAS and every order of the classes; here they are
// ties. Labels and numbers of a row are held against the features in the same way, their rows instead of one-hot ones.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/numpy_random.hpp"
#include "core/philox.hpp"
#include "estimators/registry.hpp"
#include "itm/error.hpp"
#include "numerics/class_rows.hpp"
#include "numerics/columns.hpp"
#include "numerics/orthonormal_rows.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

/// At most `most` rows, the same share of every class, drawn by seed; ascending.
std::vector<std::uint32_t> chosen_rows(const ModelInput& input, std::size_t most) {
  std::vector<std::uint32_t> rows(input.rows());
  std::iota(rows.begin(), rows.end(), 0U);
  if (rows.size() <= most) {
    return rows;
  }
  constexpr std::uint64_t stream = philox::stream_id("parc rows");
  if (input.kind() != TargetKind::classes) {
    shuffle_rows(rows, input.seed(), stream);
    rows.resize(most);
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  const double share = static_cast<double>(most) / static_cast<double>(rows.size());
  rows.clear();
  for (std::vector<std::uint32_t>& members : rows_of_classes(input.labels())) {
    shuffle_rows(members, input.seed(), stream);
    members.resize(static_cast<std::size_t>(share * static_cast<double>(members.size())));
    rows.insert(rows.end(), members.begin(), members.end());
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

Matrix product(Device& device, ConstView a, Op op_a, ConstView b, Op op_b) {
  Matrix c = device.scratch(op_a == Op::none ? a.rows() : a.cols(), op_b == Op::none ? b.cols() : b.rows());
  device.multiply(1, a, op_a, b, op_b, 0, c);
  return c;
}

/// The chosen rows about their mean, [n, D], as an operator: they are read again for every product instead of being
/// kept. What they are multiplied with are few rows too: V [k, D] and W [k, n], the shapes that products are quickest
/// in.
class CentredRows {
 public:
  CentredRows(const ModelInput& input, std::span<const std::uint32_t> rows)
      : input_(input), rows_(rows), mean_(input.column_means(rows)) {}

  [[nodiscard]] Device& device() const { return input_.device(); }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::size_t cols() const { return input_.dims(); }

  /// V X^T: [k, n].
  [[nodiscard]] Matrix onto_rows(ConstView v) const {
    Matrix product = device().scratch(v.rows(), rows());
    visit([&](View x, std::size_t first) {
      device().multiply(1, v, Op::none, x, Op::transpose, 0, product.columns(first, x.rows()));
    });
    return product;
  }
  /// W X: [k, D].
  [[nodiscard]] Matrix onto_columns(ConstView w) const {
    Matrix product = device().matrix(w.rows(), cols());
    visit([&](View x, std::size_t first) {
      device().multiply(1, w.columns(first, x.rows()), Op::none, x, Op::none, 1, product);
    });
    return product;
  }
  /// V X^T X: [k, D], reading the rows once.
  [[nodiscard]] Matrix onto_rows_and_columns(ConstView v) const {
    Matrix product = device().matrix(v.rows(), cols());
    Matrix onto;
    visit([&](View x, std::size_t) {
      if (onto.cols() < x.rows()) {
        onto = device().scratch(v.rows(), x.rows());
      }
      const View w = onto.columns(0, x.rows());
      device().multiply(1, v, Op::none, x, Op::transpose, 0, w);
      device().multiply(1, w, Op::none, x, Op::none, 1, product);
    });
    return product;
  }
  /// X^T X: [D, D], lower triangle.
  [[nodiscard]] Matrix gram() const {
    Matrix sum = device().matrix(cols(), cols());
    visit([&](View x, std::size_t) { device().add_gram(1, x, sum); });
    return sum;
  }

 private:
  void visit(const ModelInput::Block& block) const { input_.for_each_centred_block(rows_, mean_, block); }

  const ModelInput& input_;
  std::span<const std::uint32_t> rows_;
  Matrix mean_;
};

/// The published reduction: scikit-learn's randomised PCA with ten extra directions, one power iteration and
/// RandomState(1919). Returns [n, dims], or nothing when the rows span less.
Matrix randomised_components(const CentredRows& x, std::size_t dims, std::size_t directions) {
  Device& device = x.device();
  // The tall side is sketched: A is X, or X^T where D > n.
  const bool wide = x.rows() < x.cols();
  const auto times_a = [&](ConstView v) { return wide ? x.onto_columns(v) : x.onto_rows(v); };
  const auto times_a_transposed = [&](ConstView v) { return wide ? x.onto_rows(v) : x.onto_columns(v); };
  const std::size_t narrow = std::min(x.rows(), x.cols());

  NumpyRandom random(1919);
  std::vector<double> start(directions * narrow);
  for (std::size_t i = 0; i < narrow; ++i) {
    for (std::size_t k = 0; k < directions; ++k) {
      start[k * narrow + i] = random.normal();
    }
  }
  const Matrix random_rows = device.matrix_of(start, directions, narrow);
  const Matrix sketch = wide ? x.onto_rows(x.onto_columns(random_rows)) : x.onto_rows_and_columns(random_rows);
  const Matrix basis = orthonormal_rows(device, times_a(sketch));  // Q^T
  if (basis.rows() == 0) {
    return {};
  }

  // B = Q^T A; the eigenvectors of B B^T are its left singular vectors.
  const Matrix projected = times_a_transposed(basis);
  const Matrix rotation = product(device, projected, Op::none, projected, Op::transpose);
  const Matrix values = device.matrix(1, directions);
  device.symmetric_eigen(rotation, values);

  // U S: Q's rotation times the singular values, or B^T's rotation where X was turned.
  std::vector<double> scale = device.read(values);
  scale.erase(scale.begin(), scale.end() - static_cast<std::ptrdiff_t>(dims));
  for (double& value : scale) {
    value = wide ? 1 : std::sqrt(std::max(value, 0.0));
  }
  // Eigenvalues come smallest first; the order of columns changes no correlation, their signs do.
  const View leading = rotation.rows(directions - dims, dims);
  Matrix components = product(device, wide ? projected : basis, Op::transpose, leading, Op::transpose);
  device.scale_columns(device.matrix_of(scale, 1, dims), components);
  device.fix_column_signs(components);  // as in scikit-learn: row correlations depend on signs
  return components;
}

/// All of the D directions or the leading ones, exactly: for features as narrow as the sketch would be.
Matrix exact_components(const CentredRows& x, std::size_t dims) {
  Device& device = x.device();
  const Matrix vectors = x.gram();
  const Matrix values = device.matrix(1, x.cols());
  device.symmetric_eigen(vectors, values);
  const Matrix turned = x.onto_rows(vectors.rows(x.cols() - dims, dims));
  Matrix components = device.scratch(x.rows(), dims);
  device.transpose(turned, components);
  device.fix_column_signs(components);  // as in scikit-learn: row correlations depend on signs
  return components;
}

/// At most `dims` principal components of the rows, [n, dims].
Matrix reduced(const ModelInput& input, std::span<const std::uint32_t> rows, std::size_t dims) {
  constexpr std::size_t extra_directions = 10;
  const CentredRows x(input, rows);
  const std::size_t rank = std::min(rows.size(), input.dims());
  Matrix components;
  if (dims + extra_directions <= rank) {
    components = randomised_components(x, dims, dims + extra_directions);
  }
  if (components.rows() == 0 && input.dims() <= rows.size()) {
    components = exact_components(x, std::min(dims, rank));
  }
  return components.rows() > 0 ? components : input.features(rows);
}

/// Targets' rows, [n, T], of length 1 about their mean. One-hot classes are as they are in the published definition,
/// and so are labels; numbers are standardised like features, or the largest would decide.
Matrix correlated_targets(const ModelInput& input, std::span<const std::uint32_t> rows) {
  Device& device = input.device();
  const bool numbers = input.kind() == TargetKind::numbers;
  const std::size_t fewest = numbers ? 3 : 2;
  if (input.target_count() < fewest) {
    throw InputError(fmt::format(
        "parc correlates the targets of two rows, for which it needs {} or more that vary, and there are {}; "
        "choose another method",
        fewest, input.target_count()));
  }
  Matrix y = device.matrix_of(input.target_values(rows), rows.size(), input.target_count());
  if (numbers) {
    standardise_columns(device, y);
  }
  device.correlate_rows(y);
  return y;
}

Scored score_parc(const ModelInput& input) {
  Device& device = input.device();
  const std::vector<std::uint32_t> rows = chosen_rows(input, input.count("rows"));
  const std::size_t dims = input.count("dims");
  const Matrix x = dims > 0 ? reduced(input, rows, dims) : input.features(rows);
  standardise_columns(device, x);
  device.correlate_rows(x);
  Scored scored;
  scored.details["parc_rows"] = rows.size();
  scored.details["parc_dims"] = x.cols();
  if (input.kind() != TargetKind::classes) {
    const Matrix y = correlated_targets(input, rows);
    scored.score = 100 * device.correlate_pairs(x, y, [&] { input.check_cancelled(); });
    scored.details["parc_pairs"] = static_cast<double>(rows.size()) * static_cast<double>(rows.size() - 1) / 2;
    return scored;
  }
  std::vector<std::int32_t> labels;
  labels.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    labels.push_back(input.labels().values[row]);
  }
  const PairRanks ranks = device.rank_pairs(x, device.index(labels));

  // Pearson's r between the feature ranks and an indicator: different-class pairs have the larger label distance.
  const double other = ranks.pairs - ranks.same;
  const double deviation = ranks.same * (ranks.pairs + 1) / 2 - ranks.same_rank_sum;
  const double rank_variance = (ranks.pairs * ranks.pairs - 1) * ranks.pairs / 12 - ranks.ties / 12;
  const double label_variance = ranks.same * other / ranks.pairs;
  // Features whose pairs are all alike say nothing about the labels.
  scored.score =
      rank_variance > 0 && label_variance > 0 ? 100 * deviation / std::sqrt(rank_variance * label_variance) : 0;
  scored.details["parc_pairs"] = ranks.pairs;
  return scored;
}

/// Every pair of the rows that are compared.
Cost cost_of_parc(const Workload& work, const RankOptions&) {
  return {7.5e-11 * std::pow(std::min(work.rows, 10000.0), 2) * work.dims,
          work.bytes + 8 * work.rows * work.dims + 4 * std::pow(std::min(work.rows, 10000.0), 2)};
}

}  // namespace

Estimator parc_estimator() {
  return model_estimator(
      {.name = "parc",
       .description = "rank correlation of pairwise distances in features and in labels",
       .citation = "Bolya et al., Scalable Diverse Model Selection for Accessible Transfer Learning, NeurIPS 2021",
       .inputs = {.regression = true, .multi_label = true},
       .settings = {{.name = "dims",
                     .standard = 0.0,
                     .help = "Reduce features to so many principal components first (the published scripts: 32); 0: no",
                     .whole = true},
                    {.name = "rows",
                     .standard = 10000.0,
                     .help = "Rows compared at most; more are sampled by --seed",
                     .low = 10,
                     .high = 50000,
                     .whole = true}},
       .cost = cost_of_parc},
      score_parc);
}

}  // namespace itm
