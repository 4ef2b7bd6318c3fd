// The result of an ablation: JSON, CSV, and a table.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "itm/ablation.hpp"
#include "report/agreement_json.hpp"
#include "report/agreement_line.hpp"
#include "report/csv_field.hpp"
#include "report/fixed_order.hpp"
#include "report/json_number.hpp"
#include "report/paint.hpp"
#include "report/text_table.hpp"
#include "sweep/setting_json.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

Json axis_json(const SettingValues& axis) {
  Json values = Json::array();
  for (const SettingValue& value : axis.second) {
    values.push_back(sweep::setting_json(value));
  }
  return {{"setting", axis.first}, {"values", std::move(values)}};
}

Json cell_json(const AblationCell& cell) {
  Json datasets = Json::object();
  for (const auto& [dataset, tau] : cell.datasets) {
    datasets[dataset] = tau;
  }
  return {{"tau_w", json_number(cell.mean())},
          {"spread", json_number(cell.spread())},
          {"seeds", cell.tau_w},
          {"datasets", std::move(datasets)},
          {"seconds", cell.seconds}};
}

/// The highest mean of all cells.
std::optional<double> best_of(const AblationReport& report) {
  std::optional<double> best;
  for (const std::vector<AblationCell>& row : report.cells) {
    for (const AblationCell& cell : row) {
      best = std::max(best, cell.mean());
    }
  }
  return best;
}

}  // namespace

std::string to_json(const AblationReport& report) {
  Json json{{"schema", "itm.ablation/1"},
            {"version", ITM_VERSION},
            {"ablation", report.ablation.name},
            {"paper", report.ablation.paper},
            {"backend", report.backend},
            {"threads", report.threads},
            {"seconds", report.seconds},
            {"datasets", report.datasets},
            {"rows", Json::array()},
            {"columns", report.ablation.columns ? axis_json(*report.ablation.columns) : Json(nullptr)},
            {"cells", Json::array()}};
  if (!report.fixed_orders.empty()) {
    json["fixed_order"] = Json::object();
    for (const auto& [dataset, tau] : report.fixed_orders) {
      json["fixed_order"][dataset] = tau;
    }
  }
  for (const SettingValues& axis : report.ablation.rows) {
    json["rows"].push_back(axis_json(axis));
  }
  for (std::size_t r = 0; r < report.rows.size(); ++r) {
    for (std::size_t c = 0; c < report.columns.size(); ++c) {
      Json cell{{"row", report.rows[r]}, {"column", report.columns[c]}};
      cell.update(cell_json(report.cells[r][c]));
      json["cells"].push_back(std::move(cell));
    }
  }
  return dump(json);
}

std::string to_csv(const AblationReport& report, CsvText text) {
  const std::string column = report.ablation.columns ? report.ablation.columns->first : "column";
  std::string csv = fmt::format("settings,{},seed,tau_w,seconds\n", csv_field(column, text));
  for (std::size_t r = 0; r < report.rows.size(); ++r) {
    for (std::size_t c = 0; c < report.columns.size(); ++c) {
      const AblationCell& cell = report.cells[r][c];
      for (std::size_t s = 0; s < cell.tau_w.size(); ++s) {
        csv += fmt::format("{},{},{},{},{:.6f}\n", csv_field(report.rows[r], text), csv_field(report.columns[c], text),
                           s, csv_number(cell.tau_w[s]), cell.seconds);
      }
    }
  }
  return csv;
}

std::string to_table(const AblationReport& report, bool colour) {
  using Align = TextTable::Align;
  const Paint paint{colour};
  std::vector<TextTable::Column> columns{{"settings", Align::left}};
  for (const std::string& column : report.columns) {
    columns.push_back({column.empty() ? "tau_w" : column});
  }
  columns.push_back({"s/model"});
  const std::optional<double> best = best_of(report);
  TextTable table(columns);
  for (std::size_t r = 0; r < report.rows.size(); ++r) {
    std::vector<std::string> cells{report.rows[r]};
    bool has_best = false;
    for (const AblationCell& cell : report.cells[r]) {
      cells.push_back(figure(cell.mean(), cell.spread()));
      has_best = has_best || (best && cell.mean() == best);
    }
    cells.push_back(fmt::format("{:.3f}", report.cells[r].back().seconds));
    table.add(std::move(cells), has_best ? TextTable::Style::good : TextTable::Style::plain);
  }
  const Ablation& ablation = report.ablation;
  std::string text =
      fmt::format("{}{}\ntau_w, mean over data sets{}{}\n\n", ablation.description,
                  ablation.paper.empty() ? "" : fmt::format(" (the paper's {})", ablation.paper),
                  report.seeds > 1 ? fmt::format(" ± standard deviation over {} seeds", report.seeds) : "",
                  ablation.columns ? fmt::format(", by {}; s/model at the last of them", ablation.columns->first) : "");
  text += table.text(paint);
  if (const std::string sentence = fixed_order_sentence(report.fixed_orders); !sentence.empty()) {
    text += paint.dim("  " + sentence) + "\n";
  }
  text +=
      fmt::format("\n{}, {}, {:.1f} s on {}{}\n", plural(report.models, "model"),
                  printable(fmt::format("{}", fmt::join(report.datasets, ", ")), 1000), report.seconds,
                  plural(static_cast<std::size_t>(report.threads), "thread"),
                  report.resumed == 0 ? "" : fmt::format("; {} from the journal", plural(report.resumed, "ranking")));
  return text;
}

}  // namespace itm
