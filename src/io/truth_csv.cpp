#include "io/truth_csv.hpp"

#include <charconv>
#include <cmath>
#include <string>
#include <unordered_set>
#include <utility>

#include "io/csv.hpp"
#include "io/input_file.hpp"
#include "io/where.hpp"

namespace itm::io {

namespace {

bool is_model_column(std::string_view name) { return name == "model" || name == "Model" || name == "MODEL"; }

void read_header(const Where& where, const CsvRecord& header, GroundTruth& truth) {
  if (!is_model_column(header.fields.front())) {
    refuse(where,
           "line {}: the first column is {}, not 'model'; start the header with model, then one column per data set",
           header.line, in_quotes(header.fields.front()));
  }
  if (header.fields.size() == 1) {
    refuse(where, "line {}: there is no data set column; add one column of accuracies per data set", header.line);
  }
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 1; i < header.fields.size(); ++i) {
    const std::string& name = header.fields[i];
    if (name.empty()) refuse(where, "line {}: column {} has no name; name its data set", header.line, i + 1);
    if (!seen.insert(name).second) {
      refuse(where, "line {}: data set {} appears twice; keep one column", header.line, in_quotes(name));
    }
    truth.datasets.push_back(name);
  }
}

double parse_accuracy(const Where& where, std::size_t line, std::string_view cell, const std::string& model,
                      const std::string& dataset) {
  const auto place = [&] { return fmt::format("model {}, data set {}", in_quotes(model), in_quotes(dataset)); };
  const char* end = cell.data() + cell.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) {
    refuse(where, "line {}: {} is not a number ({}); write an accuracy in percent or leave the cell empty", line,
           in_quotes(cell), place());
  }
  if (error != std::errc{} || !std::isfinite(value)) {
    refuse(where, "line {}: {} is not a finite number ({}); leave the cell empty when the accuracy is unknown", line,
           in_quotes(cell), place());
  }
  return value;
}

}  // namespace

GroundTruth parse_ground_truth(const std::filesystem::path& file, std::string_view text) {
  const Where where{file, {}};
  GroundTruth truth;
  truth.file = file;
  CsvRecords records(where, text);
  CsvRecord record;
  if (!records.next(record)) refuse(where, "is empty; write a header line model,<data set>,... and a line per model");
  read_header(where, record, truth);
  const std::size_t columns = record.fields.size();

  std::unordered_set<std::string> seen;
  while (records.next(record)) {
    if (record.fields.size() != columns) {
      refuse(where, "line {}: {} cells where the header has {}; give every line the same number of commas", record.line,
             record.fields.size(), columns);
    }
    const std::string& model = record.fields.front();
    if (model.empty()) refuse(where, "line {}: the model has no name; fill the first column", record.line);
    if (!seen.insert(model).second) {
      refuse(where, "line {}: model {} appears twice; keep one line", record.line, in_quotes(model));
    }
    for (std::size_t i = 1; i < columns; ++i) {
      const std::string_view cell = trimmed(record.fields[i]);
      if (cell.empty()) continue;  // unknown
      const std::string& dataset = truth.datasets[i - 1];
      truth.accuracy[dataset][model] = parse_accuracy(where, record.line, cell, model, dataset);
    }
    truth.models.push_back(model);
  }
  if (truth.models.empty()) refuse(where, "has a header but no models; add one line per model");
  return truth;
}

}  // namespace itm::io

namespace itm {

GroundTruth read_ground_truth(const std::filesystem::path& file) {
  return io::parse_ground_truth(file, io::read_text(file, io::TextKind::truth));
}

}  // namespace itm
