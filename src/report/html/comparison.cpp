#include "report/html/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "report/agreement_line.hpp"
#include "report/html/columns.hpp"
#include "report/json_number.hpp"
#include "report/result_grid.hpp"

namespace itm::html {
namespace {

/// One entry of the table: a data set's result, or an average of several.
struct Entry {
  std::optional<double> tau_w;
  std::optional<Interval> interval;
  std::optional<double> seconds;
  std::size_t of = 1;  ///< data sets that tau_w is the average of
};

Entry entry_of(const RankedDataset* result) {
  Entry entry;
  if (result != nullptr) {
    entry.seconds = result->seconds;
    if (result->agreement) {
      entry.tau_w = result->agreement->tau_w;
      entry.interval = result->agreement->tau_w_interval;
    }
  }
  return entry;
}

Entry average_of(const std::vector<Entry>& entries) {
  std::vector<std::optional<double>> taus;
  std::vector<std::optional<double>> seconds;
  Entry average;
  average.of = 0;
  for (const Entry& entry : entries) {
    taus.push_back(entry.tau_w);
    seconds.push_back(entry.seconds);
    average.of += entry.tau_w ? 1 : 0;
  }
  average.tau_w = mean_of(taus);
  average.seconds = mean_of(seconds);
  return average;
}

std::string markup_of(const Entry& entry, bool best, bool show_tau, std::size_t all) {
  const std::string seconds = entry.seconds ? fmt::format("{:.2f} s", *entry.seconds) : "-";
  if (!show_tau) {
    return seconds;
  }
  std::string text = figure(entry.tau_w);
  if (best) {
    text = "<strong>" + text + "</strong>";
  }
  if (entry.interval) {
    text += fmt::format("<small>[{:.2f}, {:.2f}]</small>", entry.interval->low, entry.interval->high);
  }
  if (entry.tau_w && entry.of != all) {
    text += fmt::format("<small>of {}</small>", entry.of);
  }
  return text + "<small>" + seconds + "</small>";
}

/// `all`: how many data sets an entry should speak for.
Column column_of(std::string key, std::string label, std::string hint, const std::vector<Entry>& entries, bool show_tau,
                 std::size_t all) {
  std::optional<double> best;
  for (const Entry& entry : entries) {
    if (entry.tau_w && (!best || *entry.tau_w > *best)) {
      best = entry.tau_w;
    }
  }
  Column column;
  column.key = std::move(key);
  column.label = std::move(label);
  column.hint = std::move(hint);
  column.ascending = !show_tau;
  Json seconds = Json::array();
  Json low = Json::array();
  Json high = Json::array();
  for (const Entry& entry : entries) {
    column.values.push_back(json_number(show_tau ? entry.tau_w : entry.seconds));
    seconds.push_back(json_number(entry.seconds));
    low.push_back(entry.interval ? Json(entry.interval->low) : Json(nullptr));
    high.push_back(entry.interval ? Json(entry.interval->high) : Json(nullptr));
    column.cells.push_back(markup_of(entry, entries.size() > 1 && entry.tau_w && entry.tau_w == best, show_tau, all));
  }
  if (show_tau) {
    column.more = {{"seconds", seconds}, {"low", low}, {"high", high}};
  }
  return column;
}

Table table_of(const ResultGrid& grid) {
  const char* figure_name = grid.has_truth ? "tau_w" : "seconds";
  Table table;
  table.id = "comparison";
  table.label = "Methods by data sets";
  table.note =
      !grid.has_truth
          ? "Seconds of work over all models; without fine-tuned accuracies there is no tau_w."
          : fmt::format(
                "tau_w (1: the order of the truth, 0: no relation){}, and the seconds of work over all models.{}",
                grid.has_intervals ? ", its 95 % bootstrap interval" : "",
                grid.methods.size() > 1 ? " The highest tau_w of a column is bold." : "");
  table.columns.push_back(text_column("method", Column::Kind::heading, grid.methods));

  std::vector<std::vector<Entry>> of_method(grid.methods.size());
  for (const std::string& dataset : grid.datasets) {
    std::vector<Entry> entries;
    for (std::size_t m = 0; m < grid.methods.size(); ++m) {
      entries.push_back(entry_of(grid.at(grid.methods[m], dataset)));
      of_method[m].push_back(entries.back());
    }
    table.columns.push_back(
        column_of(fmt::format("{}:{}", figure_name, dataset), dataset, "", entries, grid.has_truth, 1));
  }
  if (grid.datasets.size() > 1) {
    std::vector<Entry> averages(of_method.size());
    std::transform(of_method.begin(), of_method.end(), averages.begin(), average_of);
    table.columns.push_back(
        column_of(figure_name, "average", "mean over the data sets", averages, grid.has_truth, grid.datasets.size()));
  }
  return table;
}

/// tau_w with its intervals, a plot for every data set: intervals that overlap tell at a glance what a table does not.
void add_interval_plots(Page& page, const ResultGrid& grid, const Table& table) {
  page.add("<div class=\"plots\">\n");
  for (std::size_t d = 0; d < grid.datasets.size(); ++d) {
    const Column& column = table.columns[d + 1];
    Json x = axis("tau_w", values_of(table, column.key));
    x["low"] = column.more["low"];
    x["high"] = column.more["high"];
    x["covers"] = {0, 1};  // so that data sets compare
    page.add_plot("dots", fmt::format("comparison-{}", d + 1),
                  fmt::format("{}: tau_w with 95 % bootstrap intervals", grid.datasets[d]),
                  {{"names", values_of(table, "method")}, {"x", x}});
  }
  page.add("</div>\n");
}

}  // namespace

void add_comparison(Page& page, const RankReport& report) {
  if (report.results.size() < 2) {
    return;
  }
  const ResultGrid grid(report);
  page.add("<section id=\"methods\">\n<h2>Methods compared</h2>\n");
  const Table table = table_of(grid);
  page.add(table);
  if (const std::string sentence = fixed_order_sentence(grid.fixed_orders()); !sentence.empty()) {
    page.add(fmt::format("<p class=\"note\">For comparison: {}.</p>\n", html_text(sentence)));
  }
  if (grid.has_intervals && grid.methods.size() > 1) {
    add_interval_plots(page, grid, table);
  }
  page.add("</section>\n");
}

}  // namespace itm::html
