#pragma once
// The checks behind read_labels, for labels that are in memory already.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "io/where.hpp"
#include "itm/zoo.hpp"

namespace itm::io {

/// Of a data set that is ranked.
inline constexpr std::size_t fewest_rows = 10;

/// Labels from an array, one per row. Throws InputError naming the row or class that breaks the rules, and the remedy.
[[nodiscard]] Labels check_labels(const Where& where, const Array& array, const LabelRules& rules = {});

/// Whether an array is a text with an entry a line.
[[nodiscard]] bool is_list(const ArrayRef& ref);

/// Where an array is read from: with its key where the file is an archive.
[[nodiscard]] Where where_of(const ArrayRef& ref);

/// The lines of a text without blanks at their ends; blank lines at the end of the file count for nothing.
[[nodiscard]] std::vector<std::string> lines_of(const std::filesystem::path& file);

}  // namespace itm::io
