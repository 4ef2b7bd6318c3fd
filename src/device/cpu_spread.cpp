#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "device/cpu_clusters.hpp"

namespace itm::cpu {

void spread_centres(Device& device, ConstView x, std::size_t first, std::span<const double> draws, View centres,
                    const std::function<void()>& checkpoint) {
  const std::size_t clusters = centres.rows();
  const std::size_t trials = clusters > 1 ? draws.size() / (clusters - 1) : 1;
  const Matrix squares = device.scratch(1, x.rows());
  device.row_squares(x, squares);
  const Matrix closest = device.scratch(1, x.rows());  // squared distance to the nearest centre
  device.fill(closest, std::numeric_limits<double>::infinity());
  const Matrix all_distances = device.scratch(trials, x.rows());
  const Matrix all_candidates = device.scratch(trials, x.cols());
  std::vector<double> cumulated(x.rows());
  std::vector<std::int32_t> rows{static_cast<std::int32_t>(first)};
  double potential = 0;  // sum of `closest`
  for (std::size_t c = 0; c < clusters; ++c) {
    checkpoint();
    if (c > 0) {
      const double* here = closest.view().data();
      std::partial_sum(here, here + cumulated.size(), cumulated.begin());
      rows.resize(trials);
      for (std::size_t t = 0; t < trials; ++t) {
        const auto found =
            std::lower_bound(cumulated.begin(), cumulated.end(), draws[(c - 1) * trials + t] * potential);
        rows[t] =
            static_cast<std::int32_t>(std::min<std::ptrdiff_t>(found - cumulated.begin(), std::ssize(cumulated) - 1));
      }
    }
    const View candidates = all_candidates.rows(0, rows.size());
    const View distances = all_distances.rows(0, rows.size());
    device.gather_rows(x, device.index(rows), candidates);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      device.fill(distances.row(t), squares.view().data()[rows[t]]);
    }
    device.add_to_rows(1, squares, distances);
    device.multiply(-2, candidates, Op::none, x, Op::transpose, 1, distances);
    device.clamp_rows(closest, distances);
    std::size_t best = 0;
    for (std::size_t t = 0; t < rows.size(); ++t) {
      const double lowered = device.sum(distances.row(t));
      if (t == 0 || lowered < potential) {
        best = t;
        potential = lowered;
      }
    }
    device.copy(distances.row(best), closest);
    device.copy(x.row(static_cast<std::size_t>(rows[best])), centres.row(c));
  }
}

}  // namespace itm::cpu
