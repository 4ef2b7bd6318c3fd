// The page of a sweep: every combination of method and settings, tau_w over each setting that varies, how every model
// ranked, and the units one by one. It serves a handful of units as well as thousands: tables are turned in pages,
// plots hold the best.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "core/text.hpp"
#include "itm/sweep.hpp"
#include "ranking/settings.hpp"
#include "report/agreement_line.hpp"
#include "report/fixed_order.hpp"
#include "report/html/columns.hpp"
#include "report/html/html_text.hpp"
#include "report/html/page.hpp"
#include "report/place_text.hpp"
#include "report/result_grid.hpp"
#include "sweep/setting_text.hpp"

namespace itm {
namespace html {
namespace {

using Numbers = std::vector<std::optional<double>>;
using Names = std::vector<std::string>;

std::optional<double> tau_of(const SweepRow& row) {
  return row.result.agreement ? row.result.agreement->tau_w : std::nullopt;
}

/// What the sweep holds, as the page shows it: combinations best first, where there is a truth.
struct Sweep {
  const SweepReport& report;
  std::vector<SweepSummary> summaries;
  Names names;     ///< of the summaries
  Names datasets;  ///< in plan order
  bool has_truth;

  explicit Sweep(const SweepReport& swept)
      : report(swept), summaries(summarise(swept)), datasets(swept.datasets()), has_truth(swept.has_truth()) {
    std::stable_sort(summaries.begin(), summaries.end(), [](const SweepSummary& a, const SweepSummary& b) {
      constexpr double last = -std::numeric_limits<double>::infinity();
      return a.tau_w.value_or(last) > b.tau_w.value_or(last);
    });
    for (const SweepSummary& summary : summaries) {
      names.push_back(summary.method + (summary.label.empty() ? "" : " " + summary.label));
    }
  }

  /// tau_w of a summary's units, where defined.
  [[nodiscard]] Json taus_of(const SweepSummary& summary) const {
    Json taus = Json::array();
    for (const std::size_t r : summary.rows) {
      if (const std::optional<double> tau = tau_of(report.rows[r])) {
        taus.push_back(*tau);
      }
    }
    return taus;
  }
};

/// tau_w of every combination on a data set; without a truth the model that came first.
Column dataset_column(const Sweep& sweep, const std::string& dataset) {
  Column column;
  column.key = (sweep.has_truth ? "tau_w:" : "first:") + dataset;
  column.label = dataset;
  column.kind = sweep.has_truth ? Column::Kind::number : Column::Kind::text;
  column.ascending = !sweep.has_truth;
  column.hint = sweep.has_truth ? "tau_w, mean over seeds ± standard deviation" : "the model that came first";
  for (const SweepSummary& summary : sweep.summaries) {
    const SweepCell* cell = summary.cell(dataset);
    if (sweep.has_truth) {
      column.values.push_back(cell != nullptr && cell->tau_w ? Json(*cell->tau_w) : Json(nullptr));
      column.cells.push_back(cell == nullptr ? "-" : figure(cell->tau_w, cell->spread));
    } else {
      column.values.push_back(cell != nullptr ? cell->best : "");
      column.cells.push_back(cell != nullptr && !cell->best.empty() ? html_text(cell->best) : "-");
    }
  }
  return column;
}

Table summary_table(const Sweep& sweep) {
  Table table;
  table.id = "summary";
  table.label = "Methods and settings by data sets";
  table.first_is_best = sweep.has_truth && sweep.summaries.size() > 1;
  table.columns.push_back(text_column("method and settings", Column::Kind::heading, sweep.names));
  for (const std::string& dataset : sweep.datasets) {
    table.columns.push_back(dataset_column(sweep, dataset));
  }
  Numbers means;
  Numbers seconds;
  for (const SweepSummary& summary : sweep.summaries) {
    means.push_back(summary.tau_w);
    seconds.emplace_back(summary.seconds);
  }
  if (sweep.has_truth && sweep.datasets.size() > 1) {
    table.columns.push_back(
        number_column("mean", "tau_w, mean over data sets", false, means, [](double tau) { return figure(tau); }));
  }
  if (sweep.has_truth) {
    table.sorted_by = table.columns.back().key;
  }
  table.columns.push_back(number_column("seconds", "wall clock of one seed on all data sets", true, seconds,
                                        [](double value) { return fmt::format("{:.2f}", value); }));
  return table;
}

/// Settings with more than one value, each value in the order in which it appears; numbers ascend.
std::vector<std::pair<std::string, std::vector<SettingValue>>> varied_settings(const SweepReport& report) {
  std::vector<std::pair<std::string, std::vector<SettingValue>>> all;
  for (const SweepRow& row : report.rows) {
    for (const auto& [name, value] : row.unit.settings) {
      const std::string& wanted = name;
      auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == wanted; });
      if (found == all.end()) {
        found = all.insert(all.end(), {name, {}});
      }
      if (std::find(found->second.begin(), found->second.end(), value) == found->second.end()) {
        found->second.push_back(value);
      }
    }
  }
  std::erase_if(all, [](const auto& one) { return one.first == "seed" || one.second.size() < 2; });
  for (auto& [name, values] : all) {
    std::stable_sort(values.begin(), values.end(), [](const SettingValue& a, const SettingValue& b) {
      const double* x = std::get_if<double>(&a);
      const double* y = std::get_if<double>(&b);
      return x != nullptr && y != nullptr && *x < *y;
    });
  }
  return all;
}

/// tau_w of the units that have this value of this setting, and belong to a line.
template <typename Belongs>
Numbers taus_with(const SweepReport& report, const std::string& setting, const SettingValue& value,
                  const Belongs& belongs) {
  Numbers taus;
  for (const SweepRow& row : report.rows) {
    const auto& settings = row.unit.settings;
    if (belongs(row) && std::find(settings.begin(), settings.end(), std::pair(setting, value)) != settings.end()) {
      taus.push_back(tau_of(row));
    }
  }
  return taus;
}

/// A line per method, or per data set where there is one method: mean tau_w over all that shares the value.
void add_setting_lines(Page& page, const Sweep& sweep, const std::string& setting,
                       const std::vector<SettingValue>& values, const std::string& id) {
  std::set<std::string> methods;
  for (const SweepRow& row : sweep.report.rows) {
    if (std::any_of(row.unit.settings.begin(), row.unit.settings.end(),
                    [&](const auto& one) { return one.first == setting; })) {
      methods.insert(row.unit.method);
    }
  }
  Json x = Json::array();
  for (const SettingValue& value : values) {
    x.push_back(std::get<double>(value));
  }
  Json series = Json::array();
  const auto add = [&](const std::string& name, const auto& belongs) {
    Json y = Json::array();
    for (const SettingValue& value : values) {
      const std::optional<double> tau = mean_of(taus_with(sweep.report, setting, value, belongs));
      y.push_back(tau ? Json(*tau) : Json(nullptr));
    }
    series.push_back({{"name", name}, {"values", std::move(y)}});
  };
  if (methods.size() > 1) {
    for (const std::string& method : methods) {
      add(method, [&](const SweepRow& row) { return row.unit.method == method; });
    }
  } else {
    add("mean", [](const SweepRow&) { return true; });
    for (const std::string& dataset : sweep.datasets) {
      if (sweep.datasets.size() > 1) {
        add(dataset, [&](const SweepRow& row) { return row.unit.dataset == dataset; });
      }
    }
  }
  Json x_axis = axis(setting, std::move(x));
  x_axis["setting"] = true;
  x_axis["log"] = true;
  constexpr std::size_t legible = 10;
  page.add_plot("lines", id, fmt::format("tau_w by {}, mean over the other settings", setting),
                {{"each", methods.size() > 1 ? "method" : "data set"},
                 {"x", std::move(x_axis)},
                 {"y", axis("tau_w", Json::array())},
                 {"shown", std::min(series.size(), legible)},
                 {"series", std::move(series)}});
}

void add_boxes(Page& page, const Sweep& sweep, const std::string& setting, const std::vector<SettingValue>& values,
               const std::string& id) {
  Names names;
  Json taus = Json::array();
  for (const SettingValue& value : values) {
    names.push_back(value_text(value));
    Json of_value = Json::array();
    for (const std::optional<double> tau :
         taus_with(sweep.report, setting, value, [](const SweepRow&) { return true; })) {
      if (tau) {
        of_value.push_back(*tau);
      }
    }
    taus.push_back(std::move(of_value));
  }
  page.add_plot("box", id, fmt::format("tau_w by {}, over the other settings", setting),
                {{"names", names}, {"x", axis("tau_w", std::move(taus))}});
}

void add_plots(Page& page, const Sweep& sweep, const Table& summary) {
  const Json names = values_of(summary, "method and settings");
  page.add("<div class=\"plots\">\n");
  if (!sweep.has_truth) {
    page.add_plot("dots", "seconds", "Seconds of each combination",
                  {{"names", names}, {"x", axis("seconds", values_of(summary, "seconds"))}});
    page.add("</div>\n");
    return;
  }
  Json taus = Json::array();
  bool has_spread = false;
  for (const SweepSummary& one : sweep.summaries) {
    taus.push_back(sweep.taus_of(one));
    has_spread = has_spread || taus.back().size() > 1;
  }
  if (has_spread) {
    page.add_plot("box", "spread", "tau_w over data sets and seeds, best first",
                  {{"names", sweep.names}, {"x", axis("tau_w", std::move(taus))}});
  }
  if (sweep.summaries.size() > 1) {
    Json means = Json::array();
    for (const SweepSummary& one : sweep.summaries) {
      means.push_back(one.tau_w ? Json(*one.tau_w) : Json(nullptr));
    }
    Json seconds = axis("seconds", values_of(summary, "seconds"));
    seconds["log"] = true;
    page.add_plot("scatter", "cost", "tau_w against seconds",
                  {{"names", names}, {"x", std::move(seconds)}, {"y", axis("tau_w", std::move(means))}});
  }
  std::size_t number = 0;
  for (const auto& [setting, values] : varied_settings(sweep.report)) {
    const std::string id = fmt::format("setting-{}", ++number);
    const bool are_numbers = std::all_of(
        values.begin(), values.end(), [](const SettingValue& value) { return std::holds_alternative<double>(value); });
    (are_numbers ? add_setting_lines : add_boxes)(page, sweep, setting, values, id);
  }
  page.add("</div>\n");
}

/// How one model did over the units of a data set.
struct Standing {
  std::optional<double> truth;
  double rank_sum = 0;
  double best = std::numeric_limits<double>::infinity();
  double worst = 0;
  std::size_t units = 0;
  std::size_t firsts = 0;
  [[nodiscard]] double mean() const { return rank_sum / static_cast<double>(units); }
};

void add_models(Page& page, const Sweep& sweep, const std::string& dataset, const std::string& id) {
  std::map<std::string, Standing> by_name;
  for (const SweepRow& row : sweep.report.rows) {
    if (row.unit.dataset != dataset) {
      continue;
    }
    for (const ScoredModel& model : row.result.models) {
      Standing& standing = by_name[model.model];
      const auto rank = static_cast<double>(model.rank);
      standing.truth = model.truth;
      standing.rank_sum += rank;
      standing.best = std::min(standing.best, rank);
      standing.worst = std::max(standing.worst, rank);
      standing.firsts += model.rank == 1 ? 1 : 0;
      ++standing.units;
    }
  }
  if (by_name.empty()) {
    return;
  }
  std::vector<std::pair<std::string, Standing>> order(by_name.begin(), by_name.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.mean() < b.second.mean(); });
  Names names;
  for (const auto& [name, standing] : order) {
    names.push_back(name);
  }
  Table table;
  table.id = id;
  table.label = dataset + ": how the models ranked";
  table.sorted_by = "mean rank";
  table.columns.push_back(text_column("model", Column::Kind::heading, names));
  const auto add = [&](const char* key, const char* hint, bool ascending, int digits, const auto& number_of) {
    Numbers numbers;
    for (const auto& [name, standing] : order) {
      numbers.push_back(number_of(standing));
    }
    table.columns.push_back(number_column(key, hint, ascending, numbers,
                                          [digits](double value) { return fmt::format("{:.{}f}", value, digits); }));
  };
  if (sweep.has_truth) {
    add("truth", "accuracy after fine-tuning, %", false, 2, [](const Standing& one) { return one.truth; });
  }
  add("mean rank", "over the units of the data set", true, 2, [](const Standing& one) { return one.mean(); });
  add("best", "rank", true, 0, [](const Standing& one) { return one.best; });
  add("worst", "rank", true, 0, [](const Standing& one) { return one.worst; });
  add("first", "units in which the model came first", false, 0,
      [](const Standing& one) { return static_cast<double>(one.firsts); });
  add("units", "in which it was scored", false, 0, [](const Standing& one) { return static_cast<double>(one.units); });
  page.add(
      fmt::format("<section>\n<h2>{} <small>{} models</small></h2>\n", html_text(dataset), with_commas(order.size())));
  page.add(table);
  Json ranks = axis("mean rank, from the best to the worst", values_of(table, "mean rank"));
  ranks["low"] = values_of(table, "best");
  ranks["high"] = values_of(table, "worst");
  page.add("<div class=\"plots\">\n");
  page.add_plot("dots", id + "-ranks", "Ranks over the units",
                {{"names", values_of(table, "model")}, {"x", std::move(ranks)}});
  page.add("</div>\n</section>\n");
}

/// Every unit, folded away.
void add_units(Page& page, const Sweep& sweep) {
  const std::vector<SweepRow>& rows = sweep.report.rows;
  Table table;
  table.id = "units";
  table.label = "Units";
  const auto texts = [&](const char* key, Column::Kind kind, const auto& text_of) {
    Names all;
    std::transform(rows.begin(), rows.end(), std::back_inserter(all), text_of);
    table.columns.push_back(text_column(key, kind, all));
  };
  const auto numbers = [&](const char* key, const char* hint, bool ascending, const auto& number_of, const auto& show) {
    Numbers all;
    std::transform(rows.begin(), rows.end(), std::back_inserter(all), number_of);
    table.columns.push_back(number_column(key, hint, ascending, all, show));
  };
  using Kind = Column::Kind;
  texts("data set", Kind::heading, [](const SweepRow& row) { return row.unit.dataset; });
  texts("method", Kind::text, [](const SweepRow& row) { return row.unit.method; });
  texts("settings", Kind::text, [](const SweepRow& row) { return sweep::settings_text(row.unit.settings); });
  texts("first", Kind::text, [](const SweepRow& row) {
    return row.result.models.empty() ? std::string("-") : row.result.models.front().model;
  });
  if (sweep.has_truth) {
    numbers("tau_w", "", false, tau_of, [](double tau) { return figure(tau); });
  }
  numbers(
      "seconds", "wall clock", true, [](const SweepRow& row) { return std::optional(row.seconds); },
      [](double value) { return fmt::format("{:.2f}", value); });
  page.add("<section>\n<details><summary>All units</summary>\n");
  page.add(table);
  page.add("</details>\n</section>\n");
}

void add_failures(Page& page, const SweepReport& report) {
  Names models;
  Names units;
  Names messages;
  for (const SweepRow& row : report.rows) {
    for (const Failure& failure : row.failures) {
      models.push_back(failure.model.empty() ? "(all)" : failure.model);
      units.push_back(row.unit.dataset + " " + row.unit.method + " " + sweep::settings_text(row.unit.settings));
      messages.push_back(failure.message);
    }
  }
  if (models.empty()) {
    return;
  }
  Table table;
  table.id = "failed";
  table.label = "Models that were not scored, and why";
  table.columns = {text_column("model", Column::Kind::heading, models), text_column("unit", Column::Kind::text, units),
                   text_column("message", Column::Kind::text, messages)};
  page.add("<section>\n<h2>Not scored</h2>\n");
  page.add(table);
  page.add("</section>\n");
}

std::string summary_of(const Sweep& sweep) {
  const SweepReport& report = sweep.report;
  std::string text =
      fmt::format("{}{} units: {} of method and settings on {}", with_commas(report.rows.size()),
                  report.rows.size() == report.units ? "" : " of " + with_commas(report.units),
                  plural(sweep.summaries.size(), "combination"), plural(sweep.datasets.size(), "data set"));
  if (sweep.has_truth && !sweep.summaries.empty() && sweep.summaries.front().tau_w) {
    text += fmt::format("; best: {}, tau_w {}", sweep.names.front(), figure(sweep.summaries.front().tau_w));
  }
  return html_text(text);
}

}  // namespace
}  // namespace html

std::string to_html(const SweepReport& report, const HtmlOptions& options) {
  const html::Sweep sweep(report);
  html::Page page;
  std::vector<std::pair<std::string, std::string>> facts = options.facts;
  facts.insert(facts.end(), {{"itm", ITM_VERSION},
                             {"backend", report.backend},
                             {"threads", std::to_string(report.threads)},
                             {"seconds", fmt::format("{:.1f}", report.seconds)},
                             {"from the journal", with_commas(report.resumed)}});
  std::set<std::string> places;
  for (const SweepRow& row : report.rows) {
    places.insert(place_text(row.result.place));
  }
  places.erase("");
  if (!places.empty()) {
    facts.emplace_back("computed in", fmt::format("{}", fmt::join(places, "; ")));
  }
  page.add_header(options.title, html::summary_of(sweep), facts);
  page.add("<main>\n<section>\n");
  const html::Table summary = html::summary_table(sweep);
  page.add(summary);
  if (const std::string sentence = fixed_order_sentence(report.fixed_orders()); !sentence.empty()) {
    page.add(fmt::format("<p class=\"note\">For comparison: {}.</p>\n", html::html_text(sentence)));
  }
  html::add_plots(page, sweep, summary);
  page.add("</section>\n");
  for (std::size_t d = 0; d < sweep.datasets.size(); ++d) {
    html::add_models(page, sweep, sweep.datasets[d], fmt::format("models-{}", d + 1));
  }
  html::add_units(page, sweep);
  html::add_failures(page, report);
  page.add("</main>\n");
  return page.document(options.title, {{"schema", "itm.page/1"}, {"version", ITM_VERSION}, {"units", report.units}});
}

}  // namespace itm
