#include "io/csv.hpp"

namespace itm::io {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

CsvRecords::CsvRecords(const Where& where, std::string_view text) : where_(where), text_(text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    refuse(where, "is UTF-16 text; save it as UTF-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);  // the mark that spreadsheet programs put first
  if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos) {
    refuse(where, "is not text (a zero byte at {}); save the table as CSV", with_commas(nul));
  }
}

bool CsvRecords::next(CsvRecord& record) {
  while (at_ < text_.size()) {
    record = {line_, {}};
    read_record(record);
    if (record.fields.size() > 1 || !record.fields.front().empty()) return true;
  }
  return false;
}

void CsvRecords::pass_line_end() {
  if (at_ >= text_.size()) return;
  at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
  ++line_;
}

void CsvRecords::read_record(CsvRecord& record) {
  for (;;) {
    record.fields.push_back(read_field());
    if (at_line_end()) break;
    ++at_;  // the comma
  }
  pass_line_end();
}

std::string CsvRecords::read_field() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
  const std::size_t start = at_;
  while (!at_line_end() && text_[at_] != ',') ++at_;
  return std::string(trimmed(text_.substr(start, at_ - start)));
}

std::string CsvRecords::read_quoted() {
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

}  // namespace itm::io
