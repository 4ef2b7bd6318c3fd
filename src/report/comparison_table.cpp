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
    std::vector<std::optional<double>> values;
    for (const std::string& dataset : grid.datasets) {
      const RankedDataset* result = grid.at(method, dataset);
      values.push_back(result != nullptr ? figure_of(*result) : std::nullopt);
    }
    means.push_back(mean_of(values));
    std::vector<std::string> cells{"  " + method};
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
  }
  add_block(
      table, grid, "seconds", [](const RankedDataset& result) { return std::optional(result.seconds); },
      [](std::optional<double> value) { return value ? fmt::format("{:.2f}", *value) : std::string("-"); }, false);
  return table.text(paint);
}

std::string rank_tables(const RankReport& report, Paint paint) {
  const ResultGrid grid(report);
  std::string text;
  for (const std::string& dataset : grid.datasets) {
    std::vector<const RankedDataset*> results;
    std::vector<TextTable::Column> columns{{"model", Align::left}};
    std::map<std::string, std::vector<std::string>> cells;  // by model
    std::map<std::string, std::vector<std::optional<double>>> ranks;
    for (const std::string& method : grid.methods) {
      const RankedDataset* result = grid.at(method, dataset);
      if (result != nullptr) {
        results.push_back(result);
        columns.push_back({method});
      }
    }
    for (std::size_t k = 0; k < results.size(); ++k) {
      for (const ScoredModel& model : results[k]->models) {
        cells[model.model].resize(results.size(), "-");
        cells[model.model][k] = std::to_string(model.rank);
        ranks[model.model].emplace_back(model.rank);
      }
    }
    std::vector<std::pair<double, std::string>> order;
    order.reserve(ranks.size());
    for (const auto& [model, given] : ranks) {
      order.emplace_back(*mean_of(given), model);
    }
    std::sort(order.begin(), order.end());
    columns.push_back({"mean rank"});
    TextTable table(columns);
    for (const auto& [mean, model] : order) {
      std::vector<std::string> row{model};
      row.insert(row.end(), cells[model].begin(), cells[model].end());
      row.push_back(fmt::format("{:.1f}", mean));
      table.add(std::move(row), mean == order.front().first ? Style::good : Style::plain);
    }
    text += fmt::format("{}  {}\n{}\n", paint.bold(printable(dataset, 200)), paint.dim("ranks"), table.text(paint));
  }
  return text;
}

}  // namespace itm
