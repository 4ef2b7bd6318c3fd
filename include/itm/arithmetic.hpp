#pragma once
// What a product of matrices is asked for, on every processor.

#include <cstdint>

namespace itm {

/// How a product reads an operand.
enum class Op : bool { none, transpose };

/// Numbers that products are made of. Sums over rows, statistics and factorisations are float64 whatever it is. tf32:
/// float32 with operands rounded to 11 bits on the way into tensor cores. tf32x3, called 3xtf32: float32 with each
/// operand as the sum of two such numbers, three products on tensor cores for one. Both are ITM's on a GPU only.
enum class Precision : std::uint8_t { float32, float64, tf32, tf32x3 };

}  // namespace itm
