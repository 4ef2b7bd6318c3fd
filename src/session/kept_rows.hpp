#pragma once
// The rows of a model that are scored: those of its data set, under --drop-bad-rows less those with NaN and infinity.

#include <cstdint>
#include <optional>
#include <vector>

#include "itm/estimator.hpp"

namespace itm {

struct KeptRows {
  std::vector<std::uint32_t> rows;  ///< rows of the file that are kept; empty: all
  std::optional<Labels> labels;     ///< labels of the kept rows, when they are not those of the data set

  [[nodiscard]] std::uint32_t file_row(std::size_t i) const {
    return rows.empty() ? static_cast<std::uint32_t>(i) : rows[i];
  }
  [[nodiscard]] const Labels& labels_or(const Labels& all) const { return labels ? *labels : all; }
};

/// The rows of `task` without the bad ones of `feature`. Throws InputError when a class would be left with less than
/// two rows.
[[nodiscard]] KeptRows drop_bad_rows(const Array& feature, const DatasetTask& task);

/// One group of rows that is left out, of so many.
struct LeaveOut {
  std::size_t group = 0;
  std::size_t groups = 0;
};

/// `kept` without the rows of a group. Every group has its share of each class, where the class has rows enough. The
/// rows of a group depend on the labels alone, so that all models lose the same ones. `labels` may be empty.
[[nodiscard]] KeptRows leave_out(const KeptRows& kept, const Labels& labels, std::size_t rows, const LeaveOut& out);

}  // namespace itm
