#pragma once
// The rows of a model that are scored: all of them, or under --drop-bad-rows those without NaN and infinity.

#include <cstdint>
#include <optional>
#include <vector>

#include "itm/zoo.hpp"

namespace itm {

struct KeptRows {
  std::vector<std::uint32_t> rows;  ///< rows that are kept; empty: all
  std::optional<Labels> labels;     ///< labels of the kept rows, when some were dropped

  [[nodiscard]] const Labels& labels_or(const Labels& all) const { return labels ? *labels : all; }
};

/// Drops the bad rows of `feature`; `labels` may be empty (regression). Throws InputError when a class would be left
/// with less than two rows.
[[nodiscard]] KeptRows drop_bad_rows(const Array& feature, const Labels& labels);

}  // namespace itm
