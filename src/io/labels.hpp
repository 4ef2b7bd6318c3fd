#pragma once
// The checks behind read_labels, for labels that are in memory already.

#include "io/where.hpp"
#include "itm/zoo.hpp"

namespace itm::io {

/// Labels from an array, one per row. Throws InputError naming the row or class that breaks the rules, and the remedy.
[[nodiscard]] Labels check_labels(const Where& where, const Array& array, const LabelRules& rules = {});

}  // namespace itm::io
