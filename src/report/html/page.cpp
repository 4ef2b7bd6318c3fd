#include "report/html/page.hpp"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "report/html/assets.hpp"
#include "report/html/html_text.hpp"

namespace itm::html {
namespace {

std::string header_of(const Column& column) {
  return fmt::format("<th scope=\"col\" class=\"{}\"{}>{}</th>", column.kind == Column::Kind::number ? "n" : "t",
                     column.hint.empty() ? "" : fmt::format(" title=\"{}\"", html_text(column.hint)),
                     html_text(column.label));
}

std::string cell_of(const Column& column, std::size_t row) {
  const std::string& cell = column.cells.at(row);
  switch (column.kind) {
    case Column::Kind::heading:
      return "<th scope=\"row\">" + cell + "</th>";
    case Column::Kind::text:
      return "<td class=\"t\">" + cell + "</td>";
    case Column::Kind::number:
      break;
  }
  return "<td>" + cell + "</td>";
}

Json json_of(const Table& table) {
  Json columns = Json::array();
  for (const Column& column : table.columns) {
    Json json{{"key", column.key}, {"label", column.label}, {"ascending", column.ascending}, {"values", column.values}};
    json.update(column.more);
    columns.push_back(std::move(json));
  }
  Json json = Json::object();
  json["columns"] = std::move(columns);
  if (!table.sorted_by.empty()) {
    json["sorted"] = table.sorted_by;
  }
  return json;
}

/// `text` with each {{name}} replaced; what is filled in is not looked at again.
std::string fill(std::string_view text, const std::map<std::string_view, std::string_view>& values) {
  std::string out;
  while (true) {
    const std::size_t open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos) {
      return out;
    }
    const std::size_t close = text.find("}}", open);
    out += values.at(text.substr(open + 2, close - open - 2));
    text.remove_prefix(close + 2);
  }
}

}  // namespace

Json axis(std::string_view label, Json values, bool percent) {
  Json json{{"label", label}, {"values", std::move(values)}};
  if (percent) {
    json["percent"] = true;  // values are fractions
  }
  return json;
}

Json values_of(const Table& table, std::string_view key) { return {{"table", table.id}, {"column", key}}; }

void Page::add_header(std::string_view title, std::string_view summary,
                      const std::vector<std::pair<std::string, std::string>>& facts) {
  body_ += fmt::format("<header>\n<h1>{}</h1>\n<p class=\"summary\">{}</p>\n<dl class=\"facts\">", html_text(title),
                       summary);
  for (const auto& [name, value] : facts) {
    body_ += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", html_text(name), html_text(value));
  }
  body_ += "</dl>\n</header>\n";
}

void Page::add(const Table& table) {
  if (!table.note.empty()) {
    body_ += fmt::format("<p class=\"note\">{}</p>\n", html_text(table.note));
  }
  body_ += fmt::format("<div class=\"table\" id=\"{}\"><table aria-label=\"{}\">\n<thead><tr>", html_text(table.id),
                       html_text(table.label));
  for (const Column& column : table.columns) {
    body_ += header_of(column);
  }
  body_ += "</tr></thead>\n<tbody>\n";
  const std::size_t rows = table.columns.empty() ? 0 : table.columns.front().cells.size();
  for (std::size_t row = 0; row < rows; ++row) {
    body_ += row == 0 && table.first_is_best ? "<tr class=\"best\">" : "<tr>";
    for (const Column& column : table.columns) {
      body_ += cell_of(column, row);
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody>\n</table></div>\n";
  sections_.push_back({{"kind", "table"}, {"id", table.id}, {"data", json_of(table)}});
}

void Page::add_plot(std::string_view kind, const std::string& id, std::string_view caption, Json data) {
  body_ += fmt::format("<figure class=\"plot\" id=\"{}\"><figcaption>{}</figcaption></figure>\n", html_text(id),
                       html_text(caption));
  sections_.push_back({{"kind", kind}, {"id", id}, {"data", std::move(data)}});
}

std::string Page::document(std::string_view title, Json facts) const {
  facts["sections"] = sections_;
  const std::string escaped_title = html_text(title);
  const std::string data = script_json(facts);
  return fill(
      report_html,
      {{"title", escaped_title}, {"style", report_css}, {"body", body_}, {"data", data}, {"script", report_js}});
}

}  // namespace itm::html
