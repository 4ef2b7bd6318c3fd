#pragma once
// k-means as scikit-learn 1.2 does it (sklearn.cluster.KMeans, n_init = 1, lloyd), draw for draw: greedy k-means++,
// then Lloyd's iteration. With numpy's generator in the same state the labels are the same, unless two distances agree
// to rounding.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/numpy_random.hpp"
#include "itm/device.hpp"

namespace itm {

struct KMeansResult {
  Index labels;                ///< N: the centre nearest to each row; the first of several
  Matrix centres;              ///< k x d
  std::size_t iterations = 0;  ///< of Lloyd, at most 300
};

/// Clusters the rows of `x` [N, d], which must be about their mean (distances are formed from squared lengths), into
/// k <= N clusters. Calls `checkpoint` now and then; it may throw. Where there are fewer distinct rows than clusters,
/// some clusters stay without rows.
[[nodiscard]] KMeansResult k_means(Device& device, ConstView x, std::size_t clusters, NumpyRandom& random,
                                   const std::function<void()>& checkpoint);

}  // namespace itm
