#pragma once
// What every method refuses: features with NaN or infinity, and features that do not belong to the labels.

#include <cstddef>
#include <cstdint>
#include <span>

#include "itm/array.hpp"

namespace itm {

/// Throws InputError unless `array` (or `rows` of it, when given) has as many rows as there are labels or targets.
void check_row_count(const Array& array, std::span<const std::uint32_t> rows, std::size_t wanted);

/// Throws InputError naming the first row with a NaN or an infinity and their number.
[[noreturn]] void refuse_bad_rows(const Array& feature);

/// refuse_bad_rows when there is one among `rows` (empty: all).
void check_finite(const Array& feature, std::span<const std::uint32_t> rows);

}  // namespace itm
