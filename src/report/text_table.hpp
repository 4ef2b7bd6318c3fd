#pragma once
// Columns that line up, for people.

#include <string>
#include <vector>

#include "report/paint.hpp"

namespace itm {

class TextTable {
 public:
  enum class Align { left, right };
  enum class Style { plain, good, bad, bold };
  struct Column {
    std::string title;
    Align align = Align::right;
  };

  explicit TextTable(std::vector<Column> columns);

  /// One cell per column. Control characters in cells and titles are made visible, so that a file name cannot play with
  /// the terminal.
  void add(std::vector<std::string> cells, Style style = Style::plain);
  /// A header line and one line per row, each indented by two blanks, without trailing blanks.
  [[nodiscard]] std::string text(Paint paint) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Style style;
  };
  [[nodiscard]] std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace itm
