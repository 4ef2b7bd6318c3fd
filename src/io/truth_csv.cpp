#include "io/truth_csv.hpp"

#include <charconv>
#include <cmath>
#include <string>
#include <unordered_set>
#include <utility>

#include "io/mapped_file.hpp"
#include "io/where.hpp"

namespace itm::io {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

struct Record {
  std::size_t line = 0;  ///< 1-based, where the record starts
  std::vector<std::string> fields;
};

/// RFC 4180 records: fields in double quotes may hold commas, line breaks and doubled quotes; unquoted fields are
/// trimmed. Lines end in LF, CRLF or CR. Blank lines are skipped.
class Records {
 public:
  Records(const Where& where, std::string_view text) : where_(where), text_(text) {}

  bool next(Record& record) {
    while (at_ < text_.size()) {
      record = {line_, {}};
      read_record(record);
      if (record.fields.size() > 1 || !record.fields.front().empty()) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] bool at_line_end() const { return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }

  void pass_line_end() {
    if (at_ >= text_.size()) return;
    at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
    ++line_;
  }

  void read_record(Record& record) {
    for (;;) {
      record.fields.push_back(read_field());
      if (at_line_end()) break;
      ++at_;  // the comma
    }
    pass_line_end();
  }

  std::string read_field() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const std::size_t start = at_;
    while (!at_line_end() && text_[at_] != ',') ++at_;
    return std::string(trimmed(text_.substr(start, at_ - start)));
  }

  std::string read_quoted() {
    const std::size_t opened = line_;
    std::string field;
    for (++at_;; ++at_) {
      if (at_ >= text_.size()) refuse(where_, "line {}: a quote is opened but never closed; close it", opened);
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      field += text_[at_];
    }
    ++at_;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (!at_line_end() && text_[at_] != ',') {
      refuse(where_, "line {}: text follows a closing quote; write a quote inside a quoted cell twice", opened);
    }
    return field;
  }

  const Where& where_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

bool is_model_column(std::string_view name) { return name == "model" || name == "Model" || name == "MODEL"; }

void read_header(const Where& where, const Record& header, GroundTruth& truth) {
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
  if (value < 0 || value > 100) {
    refuse(where, "line {}: {} is outside 0..100 ({}); write accuracies in percent", line, in_quotes(cell), place());
  }
  return value;
}

}  // namespace

GroundTruth parse_ground_truth(const std::filesystem::path& file, std::string_view text) {
  const Where where{file, {}};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    refuse(where, "is UTF-16 text; save it as UTF-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the mark that spreadsheet programs put first
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    refuse(where, "is not text (a zero byte at {}); save the table as CSV", with_commas(nul));
  }

  GroundTruth truth;
  truth.file = file;
  Records records(where, text);
  Record record;
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
  const auto mapped = io::MappedFile::open(file);
  const auto bytes = mapped->bytes();
  return io::parse_ground_truth(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace itm
