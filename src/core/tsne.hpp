#pragma once
// A two-dimensional map of points by t-SNE (van der Maaten, "Accelerating t-SNE using Tree-Based Algorithms", JMLR
// 2014).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace itm {

struct TsneOptions {
  double perplexity = 30;  ///< about how many neighbours a point has
  double theta = 0.5;      ///< Barnes-Hut's trade of accuracy for speed; above 0
  std::uint64_t seed = 0;  ///< of the initial map
  std::function<bool()> cancelled;
};

/// `points` is rows x dims, row-major; the result rows x 2. A function of its arguments alone, on one thread, in 1,000
/// iterations of O(rows log rows). Throws InputError when there are not more than 3 perplexity + 1 rows, when a value
/// is not finite or all rows are equal, and Interrupted.
[[nodiscard]] std::vector<double> tsne(const std::vector<double>& points, std::size_t rows, std::size_t dims,
                                       const TsneOptions& options = {});

}  // namespace itm
