#include "report/csv_field.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "core/text.hpp"

namespace itm {
namespace {

/// "-0.5", "+3": what a spreadsheet reads as a number and nothing else.
bool is_plain_number(std::string_view text) {
  text.remove_prefix(!text.empty() && (text.front() == '+' || text.front() == '-') ? 1 : 0);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && text.front() != '-' && error == std::errc{} && stop == text.data() + text.size() &&
         std::isfinite(value);
}

/// Whether a spreadsheet would run the cell.
bool is_formula(std::string_view text) {
  constexpr std::string_view beginnings = "=+-@\t\r";
  return !text.empty() && beginnings.find(text.front()) != std::string_view::npos && !is_plain_number(text);
}

}  // namespace

std::string csv_field(std::string_view text, CsvText kind) {
  std::string cell(kind == CsvText::guarded && is_formula(text) ? 1 : 0, '\'');
  cell += printable(text, std::numeric_limits<std::size_t>::max());
  if (cell.find_first_of(",\"") == std::string::npos && !cell.starts_with(' ') && !cell.ends_with(' ')) {
    return cell;
  }
  std::string quoted = "\"";
  for (const char c : cell) {
    quoted += c;
    if (c == '"') {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string_view without_csv_guard(std::string_view cell) {
  return cell.starts_with('\'') && is_formula(cell.substr(1)) ? cell.substr(1) : cell;
}

std::string csv_number(std::optional<double> value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : std::string();
}

}  // namespace itm
