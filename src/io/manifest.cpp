#include "io/manifest.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "io/csv.hpp"
#include "io/where.hpp"

namespace itm::io {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// `name` below `folder`, as it is to be opened.
std::filesystem::path path_of(const Where& where, const CsvRecord& record, const std::string& name,
                              const std::filesystem::path& folder, bool inside) {
  if (name.empty()) {
    return {};
  }
  const std::filesystem::path path(name);
  const std::filesystem::path plain = path.lexically_normal();
  if (inside && (path.is_absolute() || (!plain.empty() && *plain.begin() == ".."))) {
    refuse(where, "line {}: {} lies outside the zoo's folder; pass --manifest {} to allow that", record.line,
           in_quotes(name), path_text(where.file));
  }
  return folder / path;
}

}  // namespace

std::vector<ManifestLine> parse_manifest(const std::filesystem::path& file, std::string_view text, bool inside) {
  const Where where{file, {}};
  const std::filesystem::path folder = file.parent_path();
  CsvRecords records(where, text);
  CsvRecord record;
  if (!records.next(record)) {
    refuse(where, "is empty; write a header line model,dataset,feature and a line per file");
  }
  std::vector<std::string> columns;
  for (const std::string& name : record.fields) {
    columns.push_back(lower(name));
    if (columns.back().empty()) {
      refuse(where, "line {}: column {} has no name; name it or take it out", record.line, columns.size());
    }
    if (std::count(columns.begin(), columns.end(), columns.back()) > 1) {
      refuse(where, "line {}: column {} appears twice; keep one", record.line, in_quotes(name));
    }
  }
  for (const char* needed : {"model", "dataset", "feature"}) {
    if (std::find(columns.begin(), columns.end(), needed) == columns.end()) {
      refuse(where, "line {}: there is no column {}; model, dataset and feature are needed", record.line, needed);
    }
  }

  std::vector<ManifestLine> lines;
  std::set<std::pair<std::string, std::string>> seen;
  while (records.next(record)) {
    if (record.fields.size() != columns.size()) {
      refuse(where, "line {}: {} cells where the header has {}; give every line the same number of commas", record.line,
             record.fields.size(), columns.size());
    }
    ManifestLine line;
    line.line = record.line;
    std::string layer;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = record.fields[i];
      const auto path = [&] { return path_of(where, record, cell, folder, inside); };
      if (columns[i] == "model") {
        line.model = cell;
      } else if (columns[i] == "dataset") {
        line.dataset = cell;
      } else if (columns[i] == "layer") {
        layer = cell;
      } else if (columns[i] == "feature") {
        line.feature = path();
      } else if (columns[i] == "label") {
        line.label = path();
      } else if (columns[i] == "output") {
        line.output = path();
      } else if (columns[i] == "source") {
        line.source = path();
      } else if (columns[i] == "target") {
        line.target = path();
      } else if (columns[i] == "split") {
        line.split = path();
      } else if (columns[i] == "classes") {
        line.classes = path();
      } else if (!cell.empty()) {
        line.facts[columns[i]] = cell;
      }
    }
    if (line.model.empty() || line.dataset.empty() || line.feature.empty()) {
      refuse(where, "line {}: model, dataset or feature is empty; fill all three", record.line);
    }
    if (!layer.empty()) {
      line.model += "." + layer;
    }
    if (!seen.emplace(line.dataset, line.model).second) {
      refuse(where, "line {}: model {} is there twice for {}; keep one line, or name its layer", record.line,
             in_quotes(line.model), in_quotes(line.dataset));
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty()) {
    refuse(where, "names no file; write a line per model and data set");
  }
  return lines;
}

}  // namespace itm::io
