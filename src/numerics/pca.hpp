#pragma once
// Principal components of a model's features, for the methods that reduce them first.

#include <cstddef>
#include <limits>

#include "core/numpy_random.hpp"
#include "session/model_input.hpp"

namespace itm {

/// The fewest leading components that together hold more than `share` of the variance, but at most `most` of them; at
/// least one, and never more than min(N, D).
struct ComponentChoice {
  std::size_t most = std::numeric_limits<std::size_t>::max();
  double share = 1;
};

struct PrincipalComponents {
  Matrix projected;  ///< N x k: centred features on the leading directions, largest variance first
  double share = 1;  ///< of the variance that the k components hold; 1 where there is no variance
};

/// Projects the features onto their leading principal components, from the eigenvectors of the smaller Gram matrix:
/// X^T X summed over blocks of rows when N > D, else X X^T. The signs of the columns are the eigensolver's.
[[nodiscard]] PrincipalComponents principal_components(const ModelInput& input, const ComponentChoice& choice);

/// scikit-learn's PCA(n_components = most): exact where N and D are at most 500 or `most` is at least 0.8 min(N, D),
/// else its randomised one, whose draws come from `random`. [N, min(most, N, D)], largest variance first; one column of
/// zeros where all rows are equal.
[[nodiscard]] Matrix scikit_components(const ModelInput& input, std::size_t most, NumpyRandom& random);

}  // namespace itm
