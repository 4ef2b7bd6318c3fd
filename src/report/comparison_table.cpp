#include "report/comparison_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/text.hpp"
#include "report/agreement_line.hpp"
#include "report/result_grid.hpp"
#include "report/text_table.hpp"

namespace itm {
namespace {

using Align = TextTable::Align;
using Style = TextTable::Style;

/// What stands in a cell; nullopt where the method has no result for the data set.
using Figure = std::function<std::optional<double>(const RankedDataset&)>;

/// One block of the table: a row per method.
void add_block(TextTable& table, const ResultGrid& grid, const std::string& title, const Figure& figure_of,
               const std::function<std::string(std::optional<double>)>& text, bool mark_best) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::optional<double>> means;
  for (const std::string& method : grid.methods) {
    bool of_some = false;
    std::vector<std::optional<double>> values;
    for (const std::string& dataset : grid.datasets) {
      const RankedDataset* result = grid.at(method, dataset);
      values.push_back(result != nullptr ? figure_of(*result) : std::nullopt);
      of_some = of_some || (mark_best && result != nullptr && result->models.size() < grid.models_of(dataset));
    }
    means.push_back(mean_of(values));
    std::vector<std::string> cells{"  " + method + (of_some ? " *" : "")};
    std::transform(values.begin(), values.end(), std::back_inserter(cells), text);
    cells.push_back(text(means.back()));
    rows.push_back(std::move(cells));
  }
  std::vector<std::string> heading(grid.datasets.size() + 2);
  heading.front() = title;
  table.add(std::move(heading), Style::bold);
  const auto best = std::max_element(means.begin(), means.end());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.add(std::move(rows[i]), mark_best && means[i] && means[i] == *best ? Style::good : Style::plain);
  }
}

/// The consensus beside the methods that it is made of.
void add_consensus(TextTable& table, const ResultGrid& grid, const std::vector<Consensus>& views) {
  if (views.empty()) {
    return;
  }
  std::vector<std::string> cells{"  consensus"};
  std::vector<std::optional<double>> values;
  for (const std::string& dataset : grid.datasets) {
    const auto view = std::find_if(views.begin(), views.end(), [&](const auto& v) { return v.dataset == dataset; });
    values.push_back(view != views.end() && view->agreement ? view->agreement->tau_w : std::nullopt);
    cells.push_back(figure(values.back()));
  }
  cells.push_back(figure(mean_of(values)));
  table.add(std::move(cells), Style::bold);
}

/// What an order that knows nothing of the data sets reaches, below the methods that should beat it.
void add_fixed_order(TextTable& table, const ResultGrid& grid) {
  const FixedOrders orders = grid.fixed_orders();
  if (orders.empty()) {
    return;
  }
  std::vector<std::string> cells{"  fixed order"};
  std::vector<std::optional<double>> values;
  for (const std::string& dataset : grid.datasets) {
    const auto one = std::find_if(orders.begin(), orders.end(), [&](const auto& o) { return o.first == dataset; });
    values.push_back(one == orders.end() ? std::nullopt : std::optional(one->second));
    cells.push_back(figure(values.back()));
  }
  cells.push_back(figure(mean_of(values)));
  table.add(std::move(cells));
}

/// "* over some of the models only", where a method is marked so.
std::string footnote(const ResultGrid& grid, Paint paint) {
  for (const std::string& dataset : grid.datasets) {
    for (const std::string& method : grid.methods) {
      const RankedDataset* result = grid.at(method, dataset);
      if (result != nullptr && result->models.size() < grid.models_of(dataset)) {
        return paint.dim("  * over the models that have its inputs; its tau_w does not compare with the others'") +
               "\n";
      }
    }
  }
  return {};
}

}  // namespace

std::string comparison_table(const RankReport& report, Paint paint) {
  const ResultGrid grid(report);
  std::vector<TextTable::Column> columns{{"method", Align::left}};
  for (const std::string& dataset : grid.datasets) {
    columns.push_back({dataset});
  }
  columns.push_back({"average"});
  TextTable table(columns);
  if (grid.has_truth) {
    add_block(
        table, grid, "tau_w",
        [](const RankedDataset& result) { return result.agreement ? result.agreement->tau_w : std::nullopt; },
        [](std::optional<double> value) { return figure(value); }, true);
    add_consensus(table, grid, consensus_of(report));
    add_fixed_order(table, grid);
  }
  add_block(
      table, grid, "seconds", [](const RankedDataset& result) { return std::optional(result.seconds); },
      [](std::optional<double> value) { return value ? fmt::format("{:.2f}", *value) : std::string("-"); }, false);
  return table.text(paint) + footnote(grid, paint);
}

std::string rank_tables(const RankReport& report, Paint paint) {
  const ResultGrid grid(report);
  std::string text;
  for (const Consensus& view : consensus_of(report)) {
    std::vector<TextTable::Column> columns{{"model", Align::left}};
    std::map<std::string, std::vector<std::string>> cells;  // by model
    for (std::size_t k = 0; k < view.methods.size(); ++k) {
      columns.push_back({view.methods[k]});
      for (const ScoredModel& model : grid.at(view.methods[k], view.dataset)->models) {
        cells[model.model].resize(view.methods.size(), "-");
        cells[model.model][k] = std::to_string(model.rank);
      }
    }
    columns.push_back({"consensus"});
    if (view.agreement) {
      columns.push_back({"truth"});
    }
    TextTable table(columns);
    for (const Consensus::Model& model : view.models) {
      std::vector<std::string> row{model.model};
      row.insert(row.end(), cells[model.model].begin(), cells[model.model].end());
      row.push_back(fmt::format("{:.2f}", model.score));
      if (view.agreement) {
        row.push_back(model.truth ? fmt::format("{:.2f}", *model.truth) : "-");
      }
      table.add(std::move(row), model.rank == 1 ? Style::good : Style::plain);
    }
    text += fmt::format("{}  {}\n{}\n", paint.bold(printable(view.dataset, 200)),
                        paint.dim("ranks, and the mean of their normal scores"), table.text(paint));
  }
  return text;
}

}  // namespace itm
