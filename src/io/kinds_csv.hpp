#pragma once
// What kind each model is: a CSV whose first column is `model`, and a column of words.

#include <filesystem>
#include <map>
#include <string>

namespace itm::io {

/// Kinds by model, from the column `column` (empty: the second). Empty cells are models of no kind. Throws InputError
/// with the line: no such column, a model without a name or named twice.
[[nodiscard]] std::map<std::string, std::string> read_kinds(const std::filesystem::path& file,
                                                            const std::string& column = "");

}  // namespace itm::io
