// The page of an evaluation: the table, tau_w and regret over the number of known data sets, and which scores favour
// which kinds of models.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "choose/choice_text.hpp"
#include "choose/evaluation_view.hpp"
#include "core/text.hpp"
#include "itm/choose.hpp"
#include "report/agreement_line.hpp"
#include "report/html/columns.hpp"
#include "report/html/page.hpp"

namespace itm {
namespace html {
namespace {

using Numbers = std::vector<std::optional<double>>;

const auto whole = [](double value) { return fmt::format("{:.0f}", value); };

Table evaluation_table(const Evaluation& evaluation) {
  Table table;
  table.id = "evaluation";
  table.label = "What both, the score alone and the fixed order reach, by the number of known data sets";
  Numbers known;
  Numbers cases;
  std::vector<std::string> by;
  Numbers tau;
  Numbers pairs;
  Numbers regret;
  Numbers regret_of_k;
  Numbers coverage;
  Numbers length;
  Numbers share;
  Numbers held;
  Numbers width;
  for (const EvaluatedKnown& row : evaluation.rows) {
    for (const auto& [name, order] : choose::orders_of(row)) {
      const bool mine = order == &row.choose;
      if (!order->tau_w && !mine) {
        continue;
      }
      const auto only = [&](std::optional<double> value) { return mine ? value : std::nullopt; };
      known.emplace_back(static_cast<double>(row.known));
      cases.emplace_back(static_cast<double>(row.cases));
      by.emplace_back(name);
      tau.push_back(order->tau_w);
      pairs.push_back(order->kind_pairs);
      regret.push_back(order->regret);
      regret_of_k.push_back(order->regret_of_k);
      coverage.push_back(only(row.coverage));
      length.push_back(only(row.length));
      share.push_back(only(row.share));
      held.push_back(only(row.interval_coverage));
      width.push_back(only(row.interval_width));
    }
  }
  table.columns = {number_column("known", "past data sets with truth", true, known, whole),
                   number_column("cases", "", false, cases, whole), text_column("by", Column::Kind::heading, by),
                   number_column("tau_w", "agreement with the truth, paper eq. 1", false, tau,
                                 [](double value) { return figure(value); })};
  if (std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) { return pair.has_value(); })) {
    table.columns.push_back(
        number_column("of one kind", "pairs of models of one kind that are in order", false, pairs, choose::percent));
  }
  table.columns.insert(
      table.columns.end(),
      {number_column("regret", "points of accuracy that the first model loses", true, regret, choose::hundredths),
       number_column(fmt::format("best of {}", evaluation.best_of), "points that the best of the first models loses",
                     true, regret_of_k, choose::hundredths),
       number_column("holds best", "share of the lists that hold the best model", false, coverage, choose::percent),
       number_column("listed", "models in a list", true, length,
                     [](double value) { return fmt::format("{:.1f}", value); }),
       number_column("of the zoo", "the same over the models of the zoo", true, share, choose::percent),
       number_column("in interval", "share of the intervals that hold the truth", false, held, choose::percent),
       number_column("width", "of an interval, points of accuracy", true, width, choose::hundredths)});
  return table;
}

/// One line for each order over the number of known data sets.
void add_lines(Page& page, const Evaluation& evaluation, const std::string& id, const std::string& label,
               std::optional<double> EvaluatedOrder::*figure) {
  Json x = Json::array();
  std::vector<Json> values(3, Json::array());
  std::vector<std::string> names;
  for (const EvaluatedKnown& row : evaluation.rows) {
    x.push_back(row.known);
    names.clear();
    for (const auto& [name, order] : choose::orders_of(row)) {
      const std::optional<double> value = order->*figure;
      values[names.size()].push_back(value ? Json(*value) : Json(nullptr));
      names.emplace_back(name);
    }
  }
  Json series = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::any_of(values[i].begin(), values[i].end(), [](const Json& value) { return !value.is_null(); })) {
      series.push_back({{"name", names[i]}, {"values", values[i]}});
    }
  }
  if (x.size() > 1 && !series.empty()) {
    page.add_plot("lines", id, label + " over the number of known data sets",
                  {{"x", axis("known data sets", x)}, {"y", {{"label", label}}}, {"series", series}, {"each", "line"}});
  }
}

void add_kinds(Page& page, const Evaluation& evaluation) {
  if (evaluation.kinds.empty()) {
    return;
  }
  const choose::KindGrid grid(evaluation);
  Table table;
  table.id = "kinds";
  table.label = "Mean rank errors by method and kind of model";
  table.note = "Rank by the method minus rank by the truth: positive where the method ranks the kind too far down.";
  table.columns.push_back(text_column("method", Column::Kind::heading, grid.methods));
  for (const std::string& kind : grid.kinds) {
    Numbers errors;
    std::transform(grid.methods.begin(), grid.methods.end(), std::back_inserter(errors),
                   [&](const std::string& method) { return grid.at(method, kind); });
    table.columns.push_back(
        number_column(kind, "", true, errors, [](double error) { return fmt::format("{:+.1f}", error); }));
  }
  page.add("<section id=\"kinds-section\">\n<h2>Kinds of models</h2>\n");
  page.add(table);
  page.add("</section>\n");
}

}  // namespace
}  // namespace html

std::string to_html(const Evaluation& evaluation, const HtmlOptions& options) {
  html::Page page;
  auto facts = options.facts;
  facts.emplace_back("itm", ITM_VERSION);
  const std::string vote =
      evaluation.methods.empty() ? "no scores" : fmt::format("vote of {}", fmt::join(evaluation.methods, ", "));
  page.add_header(
      options.title,
      html::html_text(fmt::format("{} left out in turn; {}", plural(evaluation.datasets.size(), "data set"), vote)),
      facts);
  page.add("<main>\n<section id=\"evaluation-section\">\n<h2>Known data sets</h2>\n");
  page.add(html::evaluation_table(evaluation));
  page.add("<div class=\"plots\">\n");
  html::add_lines(page, evaluation, "tau", "tau_w", &EvaluatedOrder::tau_w);
  html::add_lines(page, evaluation, "regret", "regret, points", &EvaluatedOrder::regret);
  page.add("</div>\n</section>\n");
  html::add_kinds(page, evaluation);
  page.add("</main>\n");
  return page.document(options.title, {{"schema", "itm.page/1"}, {"version", ITM_VERSION}});
}

}  // namespace itm
