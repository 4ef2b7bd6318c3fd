#pragma once
// The nearest rows of every row of a model's features, in a metric (Device::nearest_rows).

#include <functional>

#include "session/model_input.hpp"

namespace itm {

enum class Metric : std::uint8_t {
  l2,
  cosine,  ///< 1 - cos; a row of zeros is at distance 1 from every other row and 0 from its like
};

struct Neighbour {
  double distance = 0;  ///< l2: squared; cosine: twice the distance
  std::uint32_t row = 0;
};

/// Calls use(row, neighbours) for every row with its min(count, N) nearest, itself among them at distance 0.
/// O(N^2 D) time.
void for_each_neighbourhood(const ModelInput& input, Metric metric, std::size_t count,
                            const std::function<void(std::uint32_t row, std::span<const Neighbour>)>& use);

}  // namespace itm
