#include "report/html/evolution_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "report/html/html_text.hpp"
#include "report/html/page.hpp"

namespace itm::html {
namespace {

Column percent_column(const char* key, const char* hint, const EvolutionReport& report, double EvolvedView::*figure) {
  Column column;
  column.key = column.label = key;
  column.hint = hint;
  for (const EvolvedView& view : report.views) {
    column.values.push_back(view.*figure);
    column.cells.push_back(fmt::format("{:.2f} %", 100 * (view.*figure)));
  }
  return column;
}

Table table_of(const EvolutionReport& report) {
  Column iteration;
  iteration.key = iteration.label = "iteration";
  iteration.hint = "updates before";
  iteration.kind = Column::Kind::heading;
  iteration.ascending = true;
  for (const EvolvedView& view : report.views) {
    iteration.values.push_back(view.iteration);
    iteration.cells.push_back(with_commas(view.iteration));
  }
  Table table;
  table.id = "iterations";
  table.label = "Iterations shown";
  table.sorted_by = iteration.key;
  table.columns = {
      std::move(iteration),
      percent_column("accuracy", "of the head on E_n, over the rows shown", report, &EvolvedView::accuracy),
      percent_column("neighbours", "rows whose nearest other row has their class", report, &EvolvedView::purity)};
  return table;
}

/// The rows by number; their classes as groups, which report.js gives colours and shapes.
Json scatter_of(const EvolutionReport& report, const EvolvedView& view) {
  Json names = Json::array();
  Json x = Json::array();
  Json y = Json::array();
  for (std::size_t i = 0; i < report.rows.size(); ++i) {
    names.push_back(fmt::format("row {}", report.rows[i]));
    x.push_back(view.map[2 * i]);
    y.push_back(view.map[2 * i + 1]);
  }
  Json groups = report.labels;
  Json group_names = Json::array();
  const std::int32_t classes = *std::max_element(report.labels.begin(), report.labels.end()) + 1;
  for (std::int32_t c = 0; c < classes; ++c) {
    group_names.push_back(fmt::format("class {}", c));
  }
  return {{"names", std::move(names)},          {"x", axis("t-SNE 1", std::move(x))},
          {"y", axis("t-SNE 2", std::move(y))}, {"equal", true},
          {"groups", std::move(groups)},        {"groupNames", std::move(group_names)}};
}

}  // namespace

std::string evolution_page(const EvolutionReport& report) {
  const std::string title = "Evolution of " + report.model;
  Page page;
  page.add_header(title,
                  fmt::format("{} rows after {} of ITM's iterations, mapped by t-SNE", with_commas(report.rows.size()),
                              report.views.size()),
                  report.facts);
  page.add("<main>\n<section>\n");
  page.add(table_of(report));
  page.add("<div class=\"plots\">\n");
  for (const EvolvedView& view : report.views) {
    page.add_plot("scatter", fmt::format("t{}", view.iteration),
                  fmt::format("Iteration {}: accuracy {:.1f} %", with_commas(view.iteration), 100 * view.accuracy),
                  scatter_of(report, view));
  }
  page.add("</div>\n</section>\n</main>\n");
  return page.document(title, {{"schema", "itm.page/1"}, {"model", report.model}});
}

}  // namespace itm::html
