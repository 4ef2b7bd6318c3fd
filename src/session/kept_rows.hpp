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

/// One group of rows that is left out, of so many.
struct LeaveOut {
  std::size_t group = 0;
  std::size_t groups = 0;
};

/// `kept` without the rows of a group. Every group has its share of each class, where the class has rows enough. The
/// rows of a group depend on the labels alone, so that all models lose the same ones. `labels` may be empty.
[[nodiscard]] KeptRows leave_out(const KeptRows& kept, const Labels& labels, std::size_t rows, const LeaveOut& out);

}  // namespace itm
