#include "io/kinds_csv.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.hpp"
#include "io/csv.hpp"
#include "io/input_file.hpp"

namespace itm::io {

std::map<std::string, std::string> read_kinds(const std::filesystem::path& file, const std::string& column) {
  const Where where{file, {}};
  const std::string text = read_text(file, TextKind::truth);
  CsvRecords records(where, text);
  CsvRecord record;
  if (!records.next(record) || record.fields.size() < 2 || record.fields.front() != "model") {
    refuse(where, "has no columns model and kind; write a header line model,kind and a line per model");
  }
  const std::vector<std::string> header = record.fields;
  std::size_t at = 1;
  if (!column.empty()) {
    const auto found = std::find(header.begin() + 1, header.end(), column);
    if (found == header.end()) {
      refuse(where, "has no column {}; it has {}", in_quotes(column),
             printable(fmt::format("{}", fmt::join(header.begin() + 1, header.end(), ", ")), 400));
    }
    at = static_cast<std::size_t>(found - header.begin());
  }
  std::map<std::string, std::string> kinds;
  while (records.next(record)) {
    if (record.fields.size() != header.size()) {
      refuse(where, "line {}: {} cells where the header has {}; give every line the same number of commas", record.line,
             record.fields.size(), header.size());
    }
    const std::string& model = record.fields.front();
    if (model.empty()) {
      refuse(where, "line {}: the model has no name; fill the first column", record.line);
    }
    if (!kinds.emplace(model, record.fields[at]).second) {
      refuse(where, "line {}: model {} appears twice; keep one line", record.line, in_quotes(model));
    }
  }
  return kinds;
}

}  // namespace itm::io
