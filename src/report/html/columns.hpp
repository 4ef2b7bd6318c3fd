#pragma once
// Columns from the values of their rows.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/html/html_text.hpp"
#include "report/html/page.hpp"

namespace itm::html {

/// Names or words, plain text.
[[nodiscard]] inline Column text_column(std::string key, Column::Kind kind, const std::vector<std::string>& texts) {
  Column column;
  column.label = key;
  column.key = std::move(key);
  column.kind = kind;
  column.ascending = true;
  for (const std::string& text : texts) {
    column.values.push_back(text);
    column.cells.push_back(html_text(text));
  }
  return column;
}

/// Numbers; `show` writes those that are there, the others are a dash.
template <typename Show>
[[nodiscard]] Column number_column(std::string key, std::string hint, bool ascending,
                                   const std::vector<std::optional<double>>& numbers, const Show& show) {
  Column column;
  column.label = key;
  column.key = std::move(key);
  column.hint = std::move(hint);
  column.ascending = ascending;
  for (const std::optional<double>& number : numbers) {
    column.values.push_back(number ? Json(*number) : Json(nullptr));
    column.cells.push_back(number ? show(*number) : "-");
  }
  return column;
}

}  // namespace itm::html
