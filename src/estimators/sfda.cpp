// SFDA, self-challenging Fisher discriminant analysis (Shao et al., "Not All Models Are Equal", ECCV 2022;
// TencentARC/SFDA, metrics.SFDA_Score): LDA, rows mixed towards the other classes by how unsure LDA is of them
// (ConfMix), LDA again; the score is the mean probability of the true class.

#include "estimators/sfda.hpp"

#include "estimators/registry.hpp"

namespace itm {
namespace {

/// Mean of the other classes' means, C x D. Classes without rows do not count.
Matrix outer_means(Device& device, const ClassMeans& means) {
  const std::size_t dims = means.means.cols();
  double present = 0;
  for (const double size : means.sizes) {
    present += size > 0 ? 1 : 0;
  }
  Matrix total = device.matrix(1, dims);
  device.add_column_sums(means.means, total);
  Matrix outer = device.matrix(means.sizes.size(), dims);
  device.add(-1, means.means, outer);
  device.add_to_rows(1, total, outer);
  device.scale(1 / (present - 1), outer);
  return outer;
}

}  // namespace

Scored sfda(const ModelInput& input) {
  Device& device = input.device();
  const ClassMeans means = class_means(input);
  const auto n = static_cast<double>(input.rows());
  const std::size_t classes = input.classes();
  const Index labels = input.label_index();
  const auto labels_of = [&](View x, std::size_t first) { return labels.view().columns(first, x.rows()); };
  const LdaFit first_pass = fit_lda(input, means);

  // p_i: probability of the true class, soft-maxed once more as published, so between 1 / (C - 1 + e) and
  // e / (C - 1 + e). On the way the class sums of p_i x_i.
  const Matrix confidence = device.matrix(1, input.rows());
  const Matrix mixed = device.matrix(classes, input.dims());
  double probability = 0;
  for_each_probability(input, means, first_pass.discriminant, [&](View p, View x, std::size_t first) {
    const View mine = confidence.view().columns(first, x.rows());
    device.pick(p, labels_of(x, first), mine);
    probability += device.sum(mine);
    device.softmax_rows(p);
    device.pick(p, labels_of(x, first), mine);
    device.scale_rows(mine, x);
    device.add_class_sums(x, labels_of(x, first), mixed);
  });

  // ConfMix: x'_i = p_i x_i + (1 - p_i) o_y = p_i (x_i - o_y) + o_y with o_y the mean of the other classes' means.
  // Means of the mixed classes: m'_c = sum_i p_i x_i / n_c + (1 - mean p) o_c.
  const Matrix outer = outer_means(device, means);
  std::vector<double> mixed_share(classes);
  std::vector<double> inverse_size(classes);
  const std::vector<double> p = device.download(confidence);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto c = static_cast<std::size_t>(input.labels().values[i]);
    mixed_share[c] += (1 - p[i]) / means.sizes[c];
    inverse_size[c] = 1 / means.sizes[c];
  }
  device.scale_rows(device.matrix_of(inverse_size, 1, classes), mixed);
  const Matrix outer_part = device.matrix(classes, input.dims());
  device.copy(outer, outer_part);
  device.scale_rows(device.matrix_of(mixed_share, 1, classes), outer_part);
  device.add(1, outer_part, mixed);

  // Scatter of x'_i about m'_y, as p_i (x_i - o_y) + (o_y - m'_y).
  const Matrix from_outer = device.matrix(classes, input.dims());  // turns a row of the file into x_i - o_y
  device.copy(outer, from_outer);
  device.add_to_rows(1, means.overall, from_outer);
  const Matrix offset = device.matrix(classes, input.dims());
  device.copy(outer, offset);
  device.add(-1, mixed, offset);
  const Matrix within = device.matrix(input.dims(), input.dims());
  input.for_each_block([&](View x, std::size_t first) {
    device.add_indexed_rows(-1, from_outer, labels_of(x, first), x);
    device.scale_rows(confidence.view().columns(first, x.rows()), x);
    device.add_indexed_rows(1, offset, labels_of(x, first), x);
    device.add_gram(x, within);
  });
  device.scale(1 / n, within);
  const Discriminant second = discriminant(device, mixed, means.priors, within, first_pass.shrinkage);

  // Logits of x'_i: p_i (x_i - o_y) W^T + (o W^T)_y + b.
  const Matrix outer_logits = device.matrix(classes, classes);
  device.multiply(1, outer, Op::none, second.coefficients, Op::transpose, 0, outer_logits);
  device.add_to_rows(1, second.intercept, outer_logits);
  Matrix scores;
  double total = 0;
  input.for_each_block([&](View x, std::size_t first) {
    if (scores.rows() < x.rows()) {
      scores = device.matrix(x.rows(), classes);
    }
    const View logits = scores.rows(0, x.rows());
    const View mine = confidence.view().columns(first, x.rows());
    device.add_indexed_rows(-1, from_outer, labels_of(x, first), x);
    device.multiply(1, x, Op::none, second.coefficients, Op::transpose, 0, logits);
    device.scale_rows(mine, logits);
    device.add_indexed_rows(1, outer_logits, labels_of(x, first), logits);
    device.softmax_rows(logits);
    device.pick(logits, labels_of(x, first), mine);
    total += device.sum(mine);
  });

  Scored scored;
  scored.score = total / n;
  scored.details["sfda_shrinkage_first_pass"] = first_pass.shrinkage;
  scored.details["sfda_first_pass_mean_prob"] = probability / n;
  return scored;
}

Estimator sfda_estimator() {
  return model_estimator({.name = "sfda",
                          .description = "self-challenging Fisher discriminant: LDA, confidence mixing, LDA again",
                          .citation = "Shao et al., Not All Models Are Equal, ECCV 2022"},
                         sfda);
}

}  // namespace itm
