// The page of an ablation: the table, and what the paper draws: tau_w along the columns, or along the rows where they
// are numbers, a box over seeds where they are words; seconds per model.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.hpp"
#include "itm/ablation.hpp"
#include "report/agreement_line.hpp"
#include "report/fixed_order.hpp"
#include "report/html/columns.hpp"
#include "report/html/html_text.hpp"
#include "report/html/page.hpp"

namespace itm {
namespace html {
namespace {

bool are_numbers(const SettingValues& axis) {
  return std::all_of(axis.second.begin(), axis.second.end(),
                     [](const SettingValue& value) { return std::holds_alternative<double>(value); });
}

Json numbers_of(const SettingValues& axis) {
  Json values = Json::array();
  for (const SettingValue& value : axis.second) {
    values.push_back(std::get<double>(value));
  }
  return values;
}

/// One number per cell of the line, null where there is none.
template <typename Figure>
Json along(const std::vector<const AblationCell*>& line, const Figure& figure_of) {
  Json values = Json::array();
  for (const AblationCell* cell : line) {
    const std::optional<double> value = figure_of(*cell);
    values.push_back(value ? Json(*value) : Json(nullptr));
  }
  return values;
}

std::vector<const AblationCell*> row_of(const AblationReport& report, std::size_t r) {
  std::vector<const AblationCell*> cells;
  for (const AblationCell& cell : report.cells[r]) {
    cells.push_back(&cell);
  }
  return cells;
}

std::vector<const AblationCell*> column_of(const AblationReport& report, std::size_t c) {
  std::vector<const AblationCell*> cells;
  for (const std::vector<AblationCell>& row : report.cells) {
    cells.push_back(&row[c]);
  }
  return cells;
}

const auto mean_tau = [](const AblationCell& cell) { return cell.mean(); };

Table table_of(const AblationReport& report) {
  Table table;
  table.id = "ablation";
  table.label = report.ablation.description;
  table.columns.push_back(text_column("settings", Column::Kind::heading, report.rows));
  for (std::size_t c = 0; c < report.columns.size(); ++c) {
    Column column;
    column.key = report.columns[c].empty() ? "tau_w" : "tau_w-" + report.columns[c];
    column.label = report.columns[c].empty() ? "tau_w" : report.ablation.columns->first + " " + report.columns[c];
    column.hint = "tau_w, mean over data sets and seeds";
    for (const AblationCell* cell : column_of(report, c)) {
      column.values.push_back(cell->mean() ? Json(*cell->mean()) : Json(nullptr));
      column.cells.push_back(figure(cell->mean(), cell->spread()));
    }
    table.columns.push_back(std::move(column));
  }
  Column seconds;
  seconds.key = seconds.label = "s/model";
  seconds.hint = "seconds of work per model, in the last column's setting";
  seconds.ascending = true;
  for (const std::vector<AblationCell>& row : report.cells) {
    seconds.values.push_back(row.back().seconds);
    seconds.cells.push_back(fmt::format("{:.3f}", row.back().seconds));
  }
  table.columns.push_back(std::move(seconds));
  return table;
}

void add_lines(Page& page, const char* id, const std::string& caption, Json x, Json y, Json series) {
  page.add_plot("lines", id, caption,
                {{"each", "line"}, {"x", std::move(x)}, {"y", std::move(y)}, {"series", std::move(series)}});
}

Json setting_axis(const SettingValues& setting) {
  Json made = axis(setting.first, numbers_of(setting));
  made["setting"] = true;
  return made;
}

Json tau_axis() { return axis("tau_w", Json::array()); }

/// A line per row over the columns.
void add_by_column(Page& page, const AblationReport& report) {
  const SettingValues& columns = *report.ablation.columns;
  Json series = Json::array();
  for (std::size_t r = 0; r < report.rows.size(); ++r) {
    series.push_back({{"name", report.rows[r]}, {"values", along(row_of(report, r), mean_tau)}});
  }
  add_lines(page, "by-column", "tau_w by " + columns.first, setting_axis(columns), tau_axis(), std::move(series));
}

/// Over the rows' one number: tau_w per data set, or per column where its values are words; and seconds.
void add_by_row(Page& page, const AblationReport& report) {
  const SettingValues& rows = report.ablation.rows.front();
  const std::size_t last = report.columns.size() - 1;
  Json series = Json::array();
  if (report.ablation.columns && !are_numbers(*report.ablation.columns)) {
    for (std::size_t c = 0; c < report.columns.size(); ++c) {
      series.push_back({{"name", report.ablation.columns->first + " " + report.columns[c]},
                        {"values", along(column_of(report, c), mean_tau)}});
    }
  } else {
    const std::vector<const AblationCell*> line = column_of(report, last);
    series.push_back({{"name", "mean"}, {"values", along(line, mean_tau)}});
    for (const std::string& dataset : report.datasets) {
      series.push_back({{"name", dataset},
                        {"values", along(line, [&](const AblationCell& cell) {
                           const auto found = std::find_if(cell.datasets.begin(), cell.datasets.end(),
                                                           [&](const auto& named) { return named.first == dataset; });
                           return found == cell.datasets.end() ? std::nullopt : std::optional(found->second);
                         })}});
    }
  }
  add_lines(page, "by-row", "tau_w by " + rows.first, setting_axis(rows), tau_axis(), std::move(series));
  const Json seconds =
      along(column_of(report, last), [](const AblationCell& cell) { return std::optional(cell.seconds); });
  Json from_zero = axis("seconds", Json::array());
  from_zero["covers"] = {0};  // or noise looks like a trend
  add_lines(page, "seconds", "Seconds per model by " + rows.first, setting_axis(rows), from_zero,
            Json::array({{{"name", "seconds"}, {"values", seconds}}}));
}

/// How far seeds lie apart.
void add_seeds(Page& page, const AblationReport& report) {
  Json values = Json::array();
  for (const AblationCell* cell : column_of(report, report.columns.size() - 1)) {
    values.push_back(cell->tau_w);
  }
  const auto& columns = report.ablation.columns;
  const std::string where = columns ? fmt::format(", {} {}", columns->first, report.columns.back()) : "";
  page.add_plot("box", "seeds", "tau_w over seeds" + where,
                {{"names", report.rows}, {"x", axis("tau_w", std::move(values))}});
}

void add_plots(Page& page, const AblationReport& report) {
  const Ablation& ablation = report.ablation;
  page.add("<div class=\"plots\">\n");
  if (ablation.columns && are_numbers(*ablation.columns)) {
    add_by_column(page, report);
  }
  if (ablation.rows.size() == 1 && are_numbers(ablation.rows.front())) {
    add_by_row(page, report);
  }
  if (report.seeds > 1) {
    add_seeds(page, report);
  }
  page.add("</div>\n");
}

}  // namespace
}  // namespace html

std::string to_html(const AblationReport& report, const HtmlOptions& options) {
  using html::html_text;
  const Ablation& ablation = report.ablation;
  const std::string title = "Ablation: " + ablation.name;
  html::Page page;
  std::vector<std::pair<std::string, std::string>> facts = options.facts;
  facts.insert(facts.end(), {{"itm", ITM_VERSION},
                             {"data sets", fmt::format("{}", fmt::join(report.datasets, ", "))},
                             {"models", with_commas(report.models)},
                             {"seeds", with_commas(report.seeds)},
                             {"backend", report.backend},
                             {"threads", std::to_string(report.threads)},
                             {"seconds", fmt::format("{:.1f}", report.seconds)}});
  page.add_header(title,
                  html_text(ablation.description +
                            (ablation.paper.empty() ? "" : fmt::format(" (the paper's {})", ablation.paper))),
                  facts);
  page.add("<main>\n<section>\n");
  page.add(html::table_of(report));
  if (const std::string sentence = fixed_order_sentence(report.fixed_orders); !sentence.empty()) {
    page.add(fmt::format("<p class=\"note\">For comparison: {}.</p>\n", html_text(sentence)));
  }
  html::add_plots(page, report);
  page.add("</section>\n</main>\n");
  return page.document(title, {{"schema", "itm.page/1"}, {"version", ITM_VERSION}, {"ablation", ablation.name}});
}

}  // namespace itm
