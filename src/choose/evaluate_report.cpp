// An evaluation as JSON (schema itm.evaluate/1), CSV and a table.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "choose/evaluation_view.hpp"
#include "core/text.hpp"
#include "itm/choose.hpp"
#include "report/agreement_json.hpp"
#include "report/agreement_line.hpp"
#include "report/csv_field.hpp"
#include "report/json_number.hpp"
#include "report/paint.hpp"
#include "report/text_table.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

/// One figure of the three orders.
Json three(const EvaluatedKnown& row, std::optional<double> EvaluatedOrder::*figure) {
  return {{"choose", json_number(row.choose.*figure)},
          {"score", json_number(row.score.*figure)},
          {"order", json_number(row.order.*figure)}};
}

std::string two(std::optional<double> value) { return value ? fmt::format("{:.2f}", *value) : "-"; }
std::string share(std::optional<double> value) { return value ? fmt::format("{:.0f} %", 100 * *value) : "-"; }

}  // namespace

std::string to_json(const Evaluation& evaluation) {
  Json json{{"schema", "itm.evaluate/1"},      {"version", ITM_VERSION},        {"methods", evaluation.methods},
            {"datasets", evaluation.datasets}, {"best_of", evaluation.best_of}, {"sure", evaluation.sure},
            {"results", Json::array()},        {"kinds", Json::array()}};
  for (const EvaluatedKnown& row : evaluation.rows) {
    json["results"].push_back({{"known", row.known},
                               {"cases", row.cases},
                               {"tau_w", three(row, &EvaluatedOrder::tau_w)},
                               {"kind_pairs", three(row, &EvaluatedOrder::kind_pairs)},
                               {"regret", three(row, &EvaluatedOrder::regret)},
                               {"regret_of_best", three(row, &EvaluatedOrder::regret_of_k)},
                               {"coverage", json_number(row.coverage)},
                               {"length", json_number(row.length)},
                               {"share", json_number(row.share)},
                               {"interval_coverage", json_number(row.interval_coverage)},
                               {"interval_width", json_number(row.interval_width)}});
  }
  for (const KindError& error : evaluation.kinds) {
    json["kinds"].push_back({{"method", error.method},
                             {"kind", error.kind},
                             {"rank_error", error.rank_error},
                             {"datasets", error.datasets}});
  }
  return dump(json);
}

std::string to_csv(const Evaluation& evaluation) {
  std::string csv =
      "known,cases,order,tau_w,kind_pairs,regret,regret_of_best,coverage,length,share,interval_coverage,"
      "interval_width\n";
  for (const EvaluatedKnown& row : evaluation.rows) {
    for (const auto& [name, order] : choose::orders_of(row)) {
      const bool mine = order == &row.choose;
      const auto only = [&](std::optional<double> value) { return mine ? csv_number(value) : std::string(); };
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", row.known, row.cases, name, csv_number(order->tau_w),
                         csv_number(order->kind_pairs), csv_number(order->regret), csv_number(order->regret_of_k),
                         only(row.coverage), only(row.length), only(row.share), only(row.interval_coverage),
                         only(row.interval_width));
    }
  }
  return csv;
}

std::string to_table(const Evaluation& evaluation, bool colour) {
  using Align = TextTable::Align;
  const Paint paint{colour};
  const bool kinds = std::any_of(evaluation.rows.begin(), evaluation.rows.end(),
                                 [](const EvaluatedKnown& row) { return row.choose.kind_pairs.has_value(); });
  std::vector<TextTable::Column> columns{{"known"}, {"cases"}, {"by", Align::left}, {"tau_w"}};
  if (kinds) {
    columns.push_back({"of one kind"});
  }
  columns.insert(columns.end(), {{"regret"},
                                 {fmt::format("best of {}", evaluation.best_of)},
                                 {"holds best"},
                                 {"listed"},
                                 {"of the zoo"},
                                 {"in interval"},
                                 {"width"}});
  TextTable table(columns);
  for (const EvaluatedKnown& row : evaluation.rows) {
    for (const auto& [name, order] : choose::orders_of(row)) {
      const bool mine = order == &row.choose;
      if (!order->tau_w && !mine) {
        continue;
      }
      std::vector<std::string> cells{mine ? std::to_string(row.known) : "", mine ? std::to_string(row.cases) : "", name,
                                     figure(order->tau_w)};
      if (kinds) {
        cells.push_back(share(order->kind_pairs));
      }
      cells.insert(cells.end(),
                   {two(order->regret), two(order->regret_of_k), mine ? share(row.coverage) : "",
                    mine && row.length ? fmt::format("{:.1f}", *row.length) : "", mine ? share(row.share) : "",
                    mine ? share(row.interval_coverage) : "", mine ? two(row.interval_width) : ""});
      table.add(std::move(cells), mine ? TextTable::Style::bold : TextTable::Style::plain);
    }
  }
  std::string text = table.text(paint);
  if (!evaluation.kinds.empty()) {
    const choose::KindGrid grid(evaluation);
    std::vector<TextTable::Column> titles{{"rank error", Align::left}};
    for (const std::string& kind : grid.kinds) {
      titles.push_back({kind});
    }
    TextTable errors(titles);
    for (const std::string& method : grid.methods) {
      std::vector<std::string> cells{method};
      for (const std::string& kind : grid.kinds) {
        const auto error = grid.at(method, kind);
        cells.push_back(error ? fmt::format("{:+.1f}", *error) : "-");
      }
      errors.add(std::move(cells));
    }
    text += "\n" + errors.text(paint) + paint.dim("  + ranks the kind too far down, - too far up") + "\n";
  }
  return text + fmt::format("{}; {}; lists and intervals of {:.0f} %, regret in points of accuracy\n",
                            plural(evaluation.datasets.size(), "data set") + " left out in turn",
                            evaluation.methods.empty()
                                ? "no scores"
                                : printable(fmt::format("vote of {}", fmt::join(evaluation.methods, ", ")), 400),
                            100 * evaluation.sure);
}

}  // namespace itm
