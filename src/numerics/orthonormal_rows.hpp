#pragma once
// Bases of a few long rows, by Cholesky factors of their small Gram matrices: work in products alone.

#include "itm/device.hpp"

namespace itm {

/// L^-1 Y for Y [k, n] and L [k, k] from Device::cholesky.
[[nodiscard]] Matrix lower_solve(Device& device, ConstView l, ConstView y);

/// An orthonormal basis of the rows of Y: Cholesky QR, twice, because once squares the condition number. Nothing where
/// they span less.
[[nodiscard]] Matrix orthonormal_rows(Device& device, Matrix y);

}  // namespace itm
