#include "numerics/nearest_rows.hpp"

#include <algorithm>
#include <vector>

namespace itm {
namespace {

/// The features as points whose Euclidean distances are the metric.
class Points {
 public:
  Points(const ModelInput& input, Metric metric) : input_(input), metric_(metric) {}

  /// Cosine: the unit row, and a coordinate of their own for rows of zeros, so that |a - b|^2 = 2 (1 - cos).
  [[nodiscard]] std::size_t dims() const { return input_.dims() + (metric_ == Metric::cosine ? 1 : 0); }

  /// All rows when none are given.
  void for_each_block(std::span<const std::uint32_t> rows, const ModelInput::Block& block) const {
    if (metric_ == Metric::l2) {
      input_.for_each_block(rows, block);
      return;
    }
    Matrix buffer;
    input_.for_each_block(rows, [&](View x, std::size_t first) {
      if (buffer.rows() < x.rows()) {
        buffer = input_.device().scratch(x.rows(), dims());
      }
      const View points = buffer.rows(0, x.rows());
      to_unit_rows(x, points);
      block(points, first);
    });
  }

 private:
  void to_unit_rows(View x, View points) const {
    Device& device = input_.device();
    const Matrix squares = device.scratch(1, x.rows());
    device.row_squares(x, squares);
    const View is_zero = points.columns(x.cols(), 1);
    device.transpose(squares, is_zero);
    device.map(Map::is_zero, is_zero);
    device.map(Map::inverse_root, squares);
    device.scale_rows(squares, x);
    device.copy(x, points.columns(0, x.cols()));
  }

  const ModelInput& input_;
  Metric metric_;
};

}  // namespace

void for_each_neighbourhood(const ModelInput& input, Metric metric, std::size_t count,
                            const std::function<void(std::uint32_t row, std::span<const Neighbour>)>& use) {
  const Points points(input, metric);
  const RowSource source{
      input.rows(), points.dims(),
      [&](std::span<const std::uint32_t> wanted, const auto& block) { points.for_each_block(wanted, block); },
      [&] { input.check_cancelled(); }};
  std::vector<Neighbour> nearest(std::min(count, input.rows()));
  input.device().nearest_rows(source, nearest.size(), [&](std::size_t first, const Neighbourhoods& found) {
    for (std::size_t at = 0; at < found.rows.size(); at += nearest.size()) {
      for (std::size_t i = 0; i < nearest.size(); ++i) {
        nearest[i] = {found.distances[at + i], static_cast<std::uint32_t>(found.rows[at + i])};
      }
      use(static_cast<std::uint32_t>(first + at / nearest.size()), nearest);
    }
  });
}

}  // namespace itm
