// SFDA, self-challenging Fisher discriminant analysis (Shao et al., "Not All Models Are Equal", ECCV 2022;
// TencentARC/SFDA, metrics.SFDA_Score): LDA, rows mixed towards the other classes by how unsure LDA is of them
// (ConfMix), LDA again; the score is the mean probability of the true class.
//
// With m_c the class means, o_c the mean of the other classes' means, d_c = m_c - o_c, z_i = x_i - m_y and p_i the
// confidence in row i, a mixed row is x'_i = p_i x_i + (1 - p_i) o_y = p_i (z_i + d_y) + o_y. Its scatter about the
// mixed class means follows from the first pass's, because most rows have the highest confidence there is, p:
//   N Sw' = p^2 N Sw - sum_i (p^2 - p_i^2) z_i z_i^T - sum_c n_c u_c u_c^T + sum_c (e_c d_c^T + d_c e_c^T),
//   u_c = mean of p_i z_i,  e_c = sum_i p_i (p_i - mean p) z_i + d_c sum_i (p_i - mean p)^2 / 2.
// Only rows below p are read for it, and p / p_i < e, so no digits are lost.

#include "estimators/sfda.hpp"

#include <algorithm>
#include <cmath>

#include "estimators/registry.hpp"

namespace itm {
namespace {

/// How sure the first pass is of every row, p_i, and what follows from it per class.
struct Confidence {
  std::vector<double> row;      ///< N: p_i
  std::vector<double> mean;     ///< C
  std::vector<double> spread;   ///< C: sum (p_i - mean)^2
  Matrix first;                 ///< C x D: sum p_i x_i
  Matrix second;                ///< C x D: sum p_i^2 x_i
  double mean_probability = 0;  ///< of the true class, before it is softened
};

/// The probability of the true class, soft-maxed once more as published, so between 1 / (C - 1 + e) and e / (C - 1 +
/// e).
Confidence confidence_of(const ModelInput& input, const ClassMeans& means, const Discriminant& rule) {
  Device& device = input.device();
  const Classes& classes = input.class_rows();
  Confidence result;
  result.first = device.matrix(input.classes(), input.dims());
  result.second = device.matrix(input.classes(), input.dims());
  const Matrix confidence = device.matrix(1, input.rows());
  const Matrix squares = device.matrix(1, input.rows());
  const Matrix probability = device.matrix(1, 1);
  for_each_probability(input, means, rule, [&](View p, View x, std::size_t first) {
    const ClassRows mine = classes.rows(first, x.rows());
    const View sure = confidence.columns(first, x.rows());
    device.pick(p, mine.labels(), sure);
    device.add_sum(sure, probability);
    device.softmax_rows(p);
    device.pick(p, mine.labels(), sure);
    device.add_weighted_class_sums(sure, x, mine, result.first);
    const View square = squares.columns(first, x.rows());
    device.copy(sure, square);
    device.scale_columns(sure, square);
    device.add_weighted_class_sums(square, x, mine, result.second);
  });
  auto read = device.read({probability, confidence});
  result.mean_probability = read[0].front() / static_cast<double>(input.rows());
  result.row = std::move(read[1]);
  result.mean.resize(input.classes());
  result.spread.resize(input.classes());
  const std::vector<std::int32_t>& label = input.labels().values;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto c = static_cast<std::size_t>(label[i]);
    result.mean[c] += result.row[i] / means.sizes[c];
  }
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto c = static_cast<std::size_t>(label[i]);
    result.spread[c] += (result.row[i] - result.mean[c]) * (result.row[i] - result.mean[c]);
  }
  return result;
}

/// Mean of the other classes' means, C x D. Classes without rows do not count.
Matrix outer_means(Device& device, const ClassMeans& means) {
  double present = 0;
  for (const double size : means.sizes) {
    present += size > 0 ? 1 : 0;
  }
  const Matrix total = device.matrix(1, means.means.cols());
  device.add_column_sums(means.means, total);
  Matrix outer = device.matrix(means.means.rows(), means.means.cols());
  device.add(-1, means.means, outer);
  device.add_to_rows(1, total, outer);
  device.scale(1 / (present - 1), outer);
  return outer;
}

void scale_rows(Device& device, const std::vector<double>& factor, View x) {
  device.scale_rows(device.matrix_of(factor, 1, factor.size()), x);
}

/// S -= sum_i (p^2 - p_i^2) z_i z_i^T over the rows below the highest confidence p.
void remove_unsure_rows(const ModelInput& input, const ClassMeans& means, const Confidence& sure, double most, View s) {
  Device& device = input.device();
  std::vector<std::uint32_t> rows;
  std::vector<double> weight;
  constexpr double rounding = 1e-13;
  for (std::uint32_t i = 0; i < sure.row.size(); ++i) {
    const double missing = (most - sure.row[i]) * (most + sure.row[i]);
    if (missing > rounding * most * most) {
      rows.push_back(i);
      weight.push_back(std::sqrt(missing));
    }
  }
  if (rows.empty()) {
    return;
  }
  const Matrix weights = device.matrix_of(weight, 1, weight.size());
  input.for_each_centred_block(rows, means.raw, [&](View x, std::size_t first) {
    device.scale_rows(weights.columns(first, x.rows()), x);
    device.add_gram(-1, x, s);
  });
}

/// The mixed rows' class means and scatter about them.
struct Mixed {
  Matrix means;   ///< C x D
  Matrix within;  ///< D x D, lower triangle
};

Mixed mix(const ModelInput& input, const ClassMeans& means, ConstView outer, const LdaFit& plain,
          const Confidence& sure) {
  Device& device = input.device();
  const auto n = static_cast<double>(input.rows());
  const std::size_t classes = input.classes();
  const auto per_class = [&](const auto& value) {
    std::vector<double> values(classes);
    for (std::size_t c = 0; c < classes; ++c) {
      values[c] = means.sizes[c] > 0 ? value(c) : 0;
    }
    return values;
  };
  const auto scaled_copy = [&](ConstView x, const auto& factor) {
    Matrix copied = device.copy_of(x);
    scale_rows(device, per_class(factor), copied);
    return copied;
  };

  // u = sum p x / n - mean(p) m
  const Matrix u = scaled_copy(sure.first, [&](std::size_t c) { return 1 / means.sizes[c]; });
  device.add(-1, scaled_copy(means.means, [&](std::size_t c) { return sure.mean[c]; }), u);
  // x' has the class mean u + mean(p) m + (1 - mean(p)) o = u + mean(p) d + o
  const Matrix d = device.copy_of(means.means);
  device.add(-1, outer, d);
  Mixed mixed{device.copy_of(outer), device.copy_of(plain.within)};
  device.add(1, u, mixed.means);
  device.add(1, scaled_copy(d, [&](std::size_t c) { return sure.mean[c]; }), mixed.means);

  const double most = *std::max_element(sure.row.begin(), sure.row.end());
  device.scale(most * most * n, mixed.within);
  remove_unsure_rows(input, means, sure, most, mixed.within);
  device.add_gram(-1, scaled_copy(u, [&](std::size_t c) { return std::sqrt(means.sizes[c]); }), mixed.within);

  // e = sum p^2 z - mean(p) sum p z + d spread / 2, and sum p^2 z = sum p^2 x - m sum p^2
  const Matrix e = device.copy_of(sure.second);
  device.add(-1,
             scaled_copy(means.means,
                         [&](std::size_t c) { return sure.spread[c] + means.sizes[c] * sure.mean[c] * sure.mean[c]; }),
             e);
  device.add(-1, scaled_copy(u, [&](std::size_t c) { return means.sizes[c] * sure.mean[c]; }), e);
  device.add(0.5, scaled_copy(d, [&](std::size_t c) { return sure.spread[c]; }), e);
  // e d^T + d e^T = ((e + d)(e + d)^T - (e - d)(e - d)^T) / 2, with both brought to one length first
  const Matrix lengths = device.matrix(2, classes);
  device.row_squares(e, lengths.row(0));
  device.row_squares(d, lengths.row(1));
  const std::vector<double> length = device.read(lengths);
  const auto balance = per_class([&](std::size_t c) {
    return length[c] > 0 && length[classes + c] > 0 ? std::pow(length[c] / length[classes + c], 0.25) : 1.0;
  });
  scale_rows(device, balance, d);
  scale_rows(device, per_class([&](std::size_t c) { return 1 / balance[c]; }), e);
  device.add(1, d, e);
  device.add_gram(0.5, e, mixed.within);
  device.add(-2, d, e);
  device.add_gram(-0.5, e, mixed.within);
  device.scale(1 / n, mixed.within);
  return mixed;
}

/// Mean probability of the true class of the mixed rows: logits p_i (x_i - o_y) W^T + o_y W^T + b.
double mean_probability(const ModelInput& input, const ClassMeans& means, ConstView outer, const Confidence& sure,
                        const Discriminant& rule) {
  Device& device = input.device();
  const std::size_t classes = input.classes();
  const Matrix confidence = device.matrix_of(sure.row, 1, sure.row.size());
  const Matrix from_outer = device.copy_of(outer);  // turns a row of the file into x_i - o_y
  device.add_to_rows(1, means.overall, from_outer);
  const Matrix outer_logits = device.matrix(classes, classes);
  device.multiply(1, outer, Op::none, rule.coefficients, Op::transpose, 0, outer_logits);
  device.add_to_rows(1, rule.intercept, outer_logits);
  const Matrix probability = device.matrix(1, input.rows());
  Matrix scores;
  input.for_each_centred_block(from_outer, [&](View x, std::size_t first) {
    if (scores.rows() < x.rows()) {
      scores = device.scratch(x.rows(), classes);
    }
    const View logits = scores.rows(0, x.rows());
    const ConstIndexView mine = input.class_rows().labels(first, x.rows());
    device.multiply(1, x, Op::none, rule.coefficients, Op::transpose, 0, logits);
    device.scale_rows(confidence.columns(first, x.rows()), logits);
    device.add_indexed_rows(1, outer_logits, mine, logits);
    device.softmax_rows(logits);
    device.pick(logits, mine, probability.columns(first, x.rows()));
  });
  return device.sum(probability) / static_cast<double>(input.rows());
}

}  // namespace

Scored sfda(const ModelInput& input) {
  Device& device = input.device();
  const ClassMeans means = class_means(input);
  const LdaFit plain = fit_lda(input, means);
  const Confidence sure = confidence_of(input, means, plain.discriminant);
  const Matrix outer = outer_means(device, means);
  const Mixed mixed = mix(input, means, outer, plain, sure);
  const Discriminant second = discriminant(device, mixed.means, means.priors, mixed.within, plain.shrinkage);

  Scored scored;
  scored.score = mean_probability(input, means, outer, sure, second);
  scored.details["sfda_shrinkage_first_pass"] = plain.shrinkage;
  scored.details["sfda_first_pass_mean_prob"] = sure.mean_probability;
  return scored;
}

Estimator sfda_estimator() {
  return model_estimator({.name = "sfda",
                          .description = "self-challenging Fisher discriminant: LDA, confidence mixing, LDA again",
                          .citation = "Shao et al., Not All Models Are Equal, ECCV 2022",
                          .float32 = false},
                         sfda);
}

}  // namespace itm
