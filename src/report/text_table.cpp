#include "report/text_table.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace itm {
namespace {

/// Code points: what a terminal shows for the names that occur in zoos.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (Column& column : columns_) {
    column.title = printable(column.title, 200);
  }
}

void TextTable::add(std::vector<std::string> cells, Style style) {
  for (std::string& cell : cells) {
    cell = printable(cell, 200);
  }
  rows_.push_back({std::move(cells), style});
}

std::string TextTable::text(Paint paint) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    titles.push_back(columns_[c].title);
    widths.push_back(width_of(columns_[c].title));
    for (const Row& row : rows_) {
      widths[c] = std::max(widths[c], width_of(row.cells[c]));
    }
  }
  std::string out = paint.dim(line(titles, widths)) + "\n";
  for (const Row& row : rows_) {
    const std::string plain = line(row.cells, widths);
    switch (row.style) {
      case Style::plain:
        out += plain;
        break;
      case Style::good:
        out += paint.good(plain);
        break;
      case Style::bad:
        out += paint.bad(plain);
        break;
      case Style::bold:
        out += paint.bold(plain);
        break;
    }
    out += "\n";
  }
  return out;
}

std::string TextTable::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string out;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const std::string blank(widths[c] - width_of(cells[c]), ' ');
    out += "  ";
    out += columns_[c].align == Align::left ? cells[c] + blank : blank + cells[c];
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

}  // namespace itm
