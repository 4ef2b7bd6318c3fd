#pragma once
// Linear discriminant analysis with adaptive shrinkage as SFDA uses it (Shao et al., "Not All Models Are Equal",
// ECCV 2022; TencentARC/SFDA, metrics.SFDA), for SFDA itself, PED and ETran.
//
// The published code keeps all D generalised eigenvectors V of (Sb, Sw), and V V^T = Sw^-1: one Cholesky factorisation
// replaces the eigensolver. Scatter is summed over class-centred rows and rows are taken about the overall mean, so
// large means cost no digits.

#include "session/model_input.hpp"

namespace itm {

struct ClassMeans {
  std::vector<double> sizes;   ///< C: rows per class
  std::vector<double> priors;  ///< C
  Matrix raw;                  ///< C x D: class means of the features as they are
  Matrix overall;              ///< 1 x D: mean of all rows
  Matrix means;                ///< C x D: class means about the overall mean
};
[[nodiscard]] ClassMeans class_means(const ModelInput& input);

/// A linear discriminant: logits of a row x about the overall mean are x coefficients^T + intercept.
struct Discriminant {
  Matrix coefficients;  ///< C x D
  Matrix intercept;     ///< 1 x C
};

/// The discriminant of `means` (C x D) under the within-class scatter (D x D, lower triangle read, overwritten), which
/// is shrunk towards trace / D times the identity first. Where the classes have no spread at all nothing can be told
/// apart: all logits are the same.
[[nodiscard]] Discriminant discriminant(Device& device, ConstView means, const std::vector<double>& priors, View within,
                                        double shrinkage);

/// The rule that picks the nearest mean, weighted by the priors: the discriminant under the identity.
[[nodiscard]] Discriminant nearest_mean(Device& device, ConstView means, const std::vector<double>& priors);

/// The first, plain pass of LDA over a model.
struct LdaFit {
  Matrix within;         ///< D x D: mean of (x - m_y)(x - m_y)^T, lower triangle
  double shrinkage = 1;  ///< exp(-5 lambda_max), at least 1e-10
  Discriminant discriminant;
};
[[nodiscard]] LdaFit fit_lda(const ModelInput& input, const ClassMeans& means);

/// Class probabilities of each row under its discriminant: calls use(p, x, first) with p [b, C], and x [b, D] the rows
/// about the overall mean.
void for_each_probability(const ModelInput& input, const ClassMeans& means, const Discriminant& discriminant,
                          const std::function<void(View p, View x, std::size_t first)>& use);

}  // namespace itm
