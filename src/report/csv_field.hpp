#pragma once
// Cells of the CSV files that we write.

#include <optional>
#include <string>
#include <string_view>

#include "itm/report.hpp"

namespace itm {

/// The text as one CSV cell: quoted only where a reader would otherwise misread or trim it, with control characters
/// spelled out. Guarded, a cell that a spreadsheet would take for a formula gets the apostrophe that marks text.
[[nodiscard]] std::string csv_field(std::string_view text, CsvText kind = CsvText::guarded);

/// The text that csv_field() guarded.
[[nodiscard]] std::string_view without_csv_guard(std::string_view cell);

/// The shortest text that reads back as the same double; empty when there is no finite value.
[[nodiscard]] std::string csv_number(std::optional<double> value);

}  // namespace itm
