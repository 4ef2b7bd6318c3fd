#pragma once
// What every format checks about a shape before a single byte of data is looked at.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "io/where.hpp"
#include "itm/array.hpp"

namespace itm::io {

/// "[3680, 768]".
[[nodiscard]] std::string shape_text(const std::vector<std::uint64_t>& shape);

/// Bytes of an array of this shape. Throws InputError unless the shape has one or two dimensions, none of them zero,
/// and the product fits in 63 bits.
[[nodiscard]] std::uint64_t checked_bytes(const Where& where, const std::vector<std::uint64_t>& shape, DType type);

}  // namespace itm::io
