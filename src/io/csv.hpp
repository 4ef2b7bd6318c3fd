#pragma once
// RFC 4180 records from text in memory.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "io/where.hpp"

namespace itm::io {

/// Without blanks and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

struct CsvRecord {
  std::size_t line = 0;  ///< 1-based, where the record starts
  std::vector<std::string> fields;
};

/// Fields in double quotes may hold commas, line breaks and doubled quotes; unquoted fields are trimmed. Lines end in
/// LF, CRLF or CR. Blank lines and a leading byte order mark are skipped. Throws InputError with the line: a quote that
/// is never closed, text after a closing quote, UTF-16, zero bytes.
class CsvRecords {
 public:
  /// `where` and `text` must outlive the object.
  CsvRecords(const Where& where, std::string_view text);

  /// False at the end.
  bool next(CsvRecord& record);

 private:
  [[nodiscard]] bool at_line_end() const { return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }
  void pass_line_end();
  void read_record(CsvRecord& record);
  std::string read_field();
  std::string read_quoted();

  const Where& where_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace itm::io
