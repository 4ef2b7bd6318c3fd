// PARC, pairwise annotation representation comparison (Bolya et al., "Scalable Diverse Model Selection", NeurIPS 2021;
// dbolya/parc, methods.PARC): 100 x Spearman correlation between the distances of all pairs of rows, 1 - Pearson, in
// standardised features and in one-hot labels.
//
// Label distances take two values only, so the correlation follows from the ranks of the same-class pairs. In the
// published code rounding breaks these ties, differently for every BLAS and every order of the classes; here they are
// ties.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/numpy_random.hpp"
#include "core/philox.hpp"
#include "estimators/class_rows.hpp"
#include "estimators/columns.hpp"
#include "estimators/model_session.hpp"
#include "estimators/registry.hpp"

namespace itm {
namespace {

/// At most `most` rows, the same share of every class, drawn by seed; ascending.
std::vector<std::uint32_t> chosen_rows(const ModelInput& input, std::size_t most) {
  const std::vector<std::int32_t>& labels = input.labels().values;
  std::vector<std::uint32_t> rows(labels.size());
  std::iota(rows.begin(), rows.end(), 0U);
  if (rows.size() <= most) {
    return rows;
  }
  constexpr std::uint64_t stream = philox::stream_id("parc rows");
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

/// An orthonormal basis of the columns of Y, in place: Cholesky QR, twice, because once squares the condition number.
bool orthonormalise(Device& device, View y) {
  for (int round = 0; round < 2; ++round) {
    const Matrix gram = device.matrix(y.cols(), y.cols());
    device.add_gram(1, y, gram);
    if (!device.cholesky(gram)) {
      return false;
    }
    device.whiten_rows(gram, y);
  }
  return true;
}

/// The component's largest entry in absolute value is positive, as in scikit-learn: row correlations depend on signs.
void fix_signs(Device& device, View t) {
  const std::vector<double> values = device.download(t);
  std::vector<double> largest(t.cols());
  for (std::size_t i = 0; i < values.size(); ++i) {
    double& most = largest[i % t.cols()];
    most = std::abs(values[i]) > std::abs(most) ? values[i] : most;
  }
  for (double& value : largest) {
    value = value < 0 ? -1 : 1;
  }
  device.scale_columns(device.matrix_of(largest, 1, largest.size()), t);
}

/// The chosen rows about their mean, as an operator: they are read again for every product instead of being kept.
class CentredRows {
 public:
  CentredRows(const ModelInput& input, std::span<const std::uint32_t> rows)
      : input_(input), rows_(rows), mean_(input.device().matrix(1, input.dims())) {
    input.for_each_block(rows, [&](View x, std::size_t) { input.device().add_column_sums(x, mean_); });
    input.device().scale(1 / static_cast<double>(rows.size()), mean_);
  }

  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::size_t cols() const { return input_.dims(); }

  void centre(View block) const { input_.device().add_to_rows(-1, mean_, block); }

  /// X V for V [D, k], or X^T V for V [n, k].
  [[nodiscard]] Matrix times(View v, Op op) const {
    Device& device = input_.device();
    Matrix product = device.matrix(op == Op::none ? rows() : cols(), v.cols());
    input_.for_each_block(rows_, [&](View x, std::size_t first) {
      centre(x);
      if (op == Op::none) {
        device.multiply(1, x, Op::none, v, Op::none, 0, product.rows(first, x.rows()));
      } else {
        device.multiply(1, x, Op::transpose, v.rows(first, x.rows()), Op::none, 1, product);
      }
    });
    return product;
  }

 private:
  const ModelInput& input_;
  std::span<const std::uint32_t> rows_;
  Matrix mean_;
};

/// The published reduction: scikit-learn's randomised PCA with ten extra directions, one power iteration and
/// RandomState(1919). Returns [n, dims], or nothing when the rows span less.
Matrix randomised_components(Device& device, const CentredRows& x, std::size_t dims, std::size_t directions) {
  // The tall side is sketched: A is X, or X^T where D > n.
  const bool wide = x.rows() < x.cols();
  const Op a = wide ? Op::transpose : Op::none;
  const Op a_transposed = wide ? Op::none : Op::transpose;
  const std::size_t narrow = std::min(x.rows(), x.cols());

  NumpyRandom random(1919);
  std::vector<double> start(narrow * directions);
  std::generate(start.begin(), start.end(), [&] { return random.normal(); });
  const Matrix sketch = x.times(x.times(device.matrix_of(start, narrow, directions), a), a_transposed);
  const Matrix basis = x.times(sketch, a);  // Q
  if (!orthonormalise(device, basis)) {
    return {};
  }

  // B = Q^T A; the eigenvectors of B B^T are its left singular vectors.
  const Matrix projected = x.times(basis, a_transposed);  // B^T
  const Matrix rotation = device.matrix(directions, directions);
  device.add_gram(1, projected, rotation);
  const Matrix values = device.matrix(1, directions);
  device.symmetric_eigen(rotation, values);

  // U S: Q's rotation times the singular values, or B^T's rotation where X was turned.
  std::vector<double> scale = device.download(values);
  scale.erase(scale.begin(), scale.end() - static_cast<std::ptrdiff_t>(dims));
  for (double& value : scale) {
    value = wide ? 1 : std::sqrt(std::max(value, 0.0));
  }
  // Eigenvalues come smallest first; the order of columns changes no correlation, their signs do.
  const View leading = rotation.rows(directions - dims, dims);
  Matrix components = device.matrix(x.rows(), dims);
  device.multiply(1, wide ? projected : basis, Op::none, leading, Op::transpose, 0, components);
  device.scale_columns(device.matrix_of(scale, 1, dims), components);
  fix_signs(device, components);
  return components;
}

/// All of the D directions or the leading ones, exactly: for features as narrow as the sketch would be.
Matrix exact_components(Device& device, const ModelInput& input, const CentredRows& x,
                        std::span<const std::uint32_t> rows, std::size_t dims) {
  const Matrix vectors = device.matrix(x.cols(), x.cols());
  input.for_each_block(rows, [&](View block, std::size_t) {
    x.centre(block);
    device.add_gram(1, block, vectors);
  });
  const Matrix values = device.matrix(1, x.cols());
  device.symmetric_eigen(vectors, values);
  const Matrix leading = device.matrix(x.cols(), dims);
  device.transpose(vectors.rows(x.cols() - dims, dims), leading);
  Matrix components = x.times(leading, Op::none);
  fix_signs(device, components);
  return components;
}

/// At most `dims` principal components of the rows, [n, dims].
Matrix reduced(const ModelInput& input, std::span<const std::uint32_t> rows, std::size_t dims) {
  constexpr std::size_t extra_directions = 10;
  const CentredRows x(input, rows);
  const std::size_t rank = std::min(rows.size(), input.dims());
  Matrix components;
  if (dims + extra_directions <= rank) {
    components = randomised_components(input.device(), x, dims, dims + extra_directions);
  }
  if (components.rows() == 0 && input.dims() <= rows.size()) {
    components = exact_components(input.device(), input, x, rows, std::min(dims, rank));
  }
  return components.rows() > 0 ? components : input.features(rows);
}

Scored score_parc(const ModelInput& input) {
  Device& device = input.device();
  const std::vector<std::uint32_t> rows = chosen_rows(input, input.count("rows"));
  std::vector<std::int32_t> labels;
  labels.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    labels.push_back(input.labels().values[row]);
  }
  const std::size_t dims = input.count("dims");
  const Matrix x = dims > 0 ? reduced(input, rows, dims) : input.features(rows);
  standardise_columns(device, x);
  device.correlate_rows(x);
  const PairRanks ranks = device.rank_pairs(x, device.index(labels));

  // Pearson's r between the feature ranks and an indicator: different-class pairs have the larger label distance.
  const double other = ranks.pairs - ranks.same;
  const double deviation = ranks.same * (ranks.pairs + 1) / 2 - ranks.same_rank_sum;
  const double rank_variance = (ranks.pairs * ranks.pairs - 1) * ranks.pairs / 12 - ranks.ties / 12;
  const double label_variance = ranks.same * other / ranks.pairs;
  Scored scored;
  // Features whose pairs are all alike say nothing about the labels.
  scored.score =
      rank_variance > 0 && label_variance > 0 ? 100 * deviation / std::sqrt(rank_variance * label_variance) : 0;
  scored.details["parc_rows"] = rows.size();
  scored.details["parc_dims"] = x.cols();
  scored.details["parc_pairs"] = ranks.pairs;
  return scored;
}

}  // namespace

Estimator parc_estimator() {
  return model_estimator(
      {.name = "parc",
       .description = "rank correlation of pairwise distances in features and in labels",
       .citation = "Bolya et al., Scalable Diverse Model Selection for Accessible Transfer Learning, NeurIPS 2021",
       .settings = {{.name = "dims",
                     .standard = 0.0,
                     .help = "Reduce features to so many principal components first (the published scripts: 32); 0: no",
                     .whole = true},
                    {.name = "rows",
                     .standard = 10000.0,
                     .help = "Rows compared at most; more are sampled by --seed",
                     .low = 10,
                     .high = 50000,
                     .whole = true}}},
      score_parc);
}

}  // namespace itm
