#pragma once
// The checks behind read_labels, for labels that are in memory already.

#include "io/where.hpp"
#include "itm/zoo.hpp"

namespace itm::io {

/// Throws InputError naming the row or class that breaks the rules of itm::Labels, and the remedy.
[[nodiscard]] Labels check_labels(const Where& where, const Array& array);

}  // namespace itm::io
