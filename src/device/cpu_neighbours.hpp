#pragma once
// The nearest rows of every row, exactly, without ever holding N x N distances.

#include <cstddef>
#include <functional>

#include "itm/device.hpp"

namespace itm::cpu {

/// Device::nearest_rows: screened in float32, what float32 cannot tell apart in float64, and what that cannot by
/// differences. Time O(N^2 D); memory 4 N D bytes and a few candidates a row.
void nearest_rows(const RowSource& points, std::size_t count,
                  const std::function<void(std::size_t first, const Neighbourhoods& found)>& use);

}  // namespace itm::cpu
