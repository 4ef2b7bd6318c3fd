// The result of a sweep: a summary over seeds, JSON, CSV, and a table.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/statistics.hpp"
#include "core/text.hpp"
#include "itm/sweep.hpp"
#include "ranking/settings.hpp"
#include "report/agreement_json.hpp"
#include "report/agreement_line.hpp"
#include "report/csv_field.hpp"
#include "report/details_json.hpp"
#include "report/fixed_order.hpp"
#include "report/paint.hpp"
#include "report/place_text.hpp"
#include "report/result_grid.hpp"
#include "report/text_table.hpp"
#include "sweep/failures_json.hpp"
#include "sweep/setting_json.hpp"
#include "sweep/setting_text.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;
using Settings = std::vector<std::pair<std::string, SettingValue>>;

Settings without_seed(Settings settings) {
  std::erase_if(settings, [](const auto& setting) { return setting.first == "seed"; });
  return settings;
}

SweepCell cell_of(const std::vector<const SweepRow*>& rows) {
  SweepCell cell;
  cell.seeds = rows.size();
  std::vector<double> taus;
  std::map<std::string, std::size_t> firsts;
  for (const SweepRow* row : rows) {
    cell.seconds += row->seconds / static_cast<double>(rows.size());
    if (row->result.agreement && row->result.agreement->tau_w) {
      taus.push_back(*row->result.agreement->tau_w);
    }
    if (!row->result.models.empty()) {
      const std::string& first = row->result.models.front().model;
      if (++firsts[first] > (cell.best.empty() ? 0 : firsts[cell.best])) {
        cell.best = first;
      }
    }
  }
  cell.tau_w = mean_of(taus);
  cell.spread = standard_deviation_of(taus);
  return cell;
}

Json number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }

Json row_json(const SweepRow& row) {
  Json json{{"unit", row.unit.index},
            {"dataset", row.unit.dataset},
            {"method", row.unit.method},
            {"settings", sweep::settings_json(row.unit.settings)},
            {"seconds", row.seconds}};
  add_place(json, row.result.place);
  json["models"] = Json::array();
  for (const ScoredModel& model : row.result.models) {
    Json one{{"model", model.model}, {"score", number(model.score)}, {"rank", model.rank}, {"seconds", model.seconds}};
    if (model.truth) {
      one["truth"] = *model.truth;
    }
    if (!model.note.empty()) {
      one["note"] = model.note;
    }
    one["details"] = to_json(model.details);
    json["models"].push_back(std::move(one));
  }
  if (row.result.agreement) {
    json["agreement"] = agreement_json(*row.result.agreement);
    json["truth_missing"] = row.result.truth_missing;
  }
  json["failures"] = sweep::failures_json(row.failures);
  json["skipped"] = sweep::failures_json(row.skipped);
  return json;
}

Json summary_json(const SweepSummary& summary) {
  Json json{{"method", summary.method},
            {"settings", sweep::settings_json(summary.settings)},
            {"tau_w", number(summary.tau_w)},
            {"datasets", Json::array()}};
  for (const auto& [dataset, cell] : summary.datasets) {
    json["datasets"].push_back({{"dataset", dataset},
                                {"seeds", cell.seeds},
                                {"tau_w", number(cell.tau_w)},
                                {"spread", number(cell.spread)},
                                {"best", cell.best},
                                {"seconds", cell.seconds}});
  }
  return json;
}

/// Labels hold the settings with more than one value: the others say nothing in a comparison.
void label(std::vector<SweepSummary>& summaries) {
  std::map<std::string, std::set<std::string>> values;
  for (const SweepSummary& summary : summaries) {
    for (const auto& [name, value] : summary.settings) {
      values[name].insert(value_text(value));
    }
  }
  std::set<std::string> varied;
  for (const auto& [name, different] : values) {
    if (different.size() > 1) {
      varied.insert(name);
    }
  }
  for (SweepSummary& summary : summaries) {
    summary.label = sweep::settings_text(summary.settings, &varied);
  }
}

std::string cell_text(const SweepCell* cell, bool truth) {
  if (cell == nullptr) {
    return "-";
  }
  if (!truth) {
    return cell->best.empty() ? "-" : cell->best;
  }
  return figure(cell->tau_w, cell->spread);
}

}  // namespace

std::vector<std::string> SweepReport::datasets() const {
  std::vector<std::string> names;
  for (const SweepRow& row : rows) {
    if (std::find(names.begin(), names.end(), row.unit.dataset) == names.end()) {
      names.push_back(row.unit.dataset);
    }
  }
  return names;
}

bool SweepReport::has_truth() const {
  return std::any_of(rows.begin(), rows.end(), [](const SweepRow& row) { return row.result.agreement.has_value(); });
}

std::vector<std::pair<std::string, double>> SweepReport::fixed_orders() const {
  std::vector<std::pair<std::string, double>> orders;
  for (const std::string& dataset : datasets()) {
    const SweepRow* most = nullptr;
    for (const SweepRow& row : rows) {
      const bool has = row.unit.dataset == dataset && row.result.agreement && row.result.agreement->fixed_order;
      most = has && (most == nullptr || row.result.models.size() > most->result.models.size()) ? &row : most;
    }
    if (most != nullptr) {
      orders.emplace_back(dataset, *most->result.agreement->fixed_order);
    }
  }
  return orders;
}

const SweepCell* SweepSummary::cell(const std::string& dataset) const {
  const auto found =
      std::find_if(datasets.begin(), datasets.end(), [&](const auto& named) { return named.first == dataset; });
  return found == datasets.end() ? nullptr : &found->second;
}

std::vector<SweepSummary> summarise(const SweepReport& report) {
  std::vector<SweepSummary> summaries;
  std::vector<std::vector<std::pair<std::string, std::vector<const SweepRow*>>>> groups;
  std::map<std::string, std::size_t> known;  // method and settings -> summary
  for (std::size_t r = 0; r < report.rows.size(); ++r) {
    const SweepRow& row = report.rows[r];
    const Settings settings = without_seed(row.unit.settings);
    const auto [at, is_new] = known.emplace(row.unit.method + " " + sweep::settings_text(settings), summaries.size());
    if (is_new) {
      summaries.emplace_back();
      summaries.back().method = row.unit.method;
      summaries.back().settings = settings;
      groups.emplace_back();
    }
    summaries[at->second].rows.push_back(r);
    auto& datasets = groups[at->second];
    if (datasets.empty() || datasets.back().first != row.unit.dataset) {
      datasets.push_back({row.unit.dataset, {}});
    }
    datasets.back().second.push_back(&row);
  }
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    std::vector<std::optional<double>> taus;
    for (const auto& [dataset, rows] : groups[i]) {
      summaries[i].datasets.emplace_back(dataset, cell_of(rows));
      taus.push_back(summaries[i].datasets.back().second.tau_w);
      summaries[i].seconds += summaries[i].datasets.back().second.seconds;
    }
    summaries[i].tau_w = mean_of(taus);
  }
  label(summaries);
  return summaries;
}

std::string to_json(const SweepReport& report) {
  Json json{{"schema", "itm.sweep.report/1"}, {"version", ITM_VERSION},    {"backend", report.backend},
            {"threads", report.threads},      {"seconds", report.seconds}, {"units", report.units},
            {"resumed", report.resumed},      {"summary", Json::array()},  {"rows", Json::array()}};
  for (const SweepSummary& summary : summarise(report)) {
    json["summary"].push_back(summary_json(summary));
  }
  for (const SweepRow& row : report.rows) {
    json["rows"].push_back(row_json(row));
  }
  return dump(json);
}

std::string to_csv(const SweepReport& report, CsvText text) {
  std::string csv = "unit,dataset,method,settings,rank,model,score,truth,tau_w,seconds,backend,device,precision\n";
  for (const SweepRow& row : report.rows) {
    const auto tau = row.result.agreement ? row.result.agreement->tau_w : std::nullopt;
    for (const ScoredModel& model : row.result.models) {
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{:.6f},{}\n", row.unit.index, csv_field(row.unit.dataset, text),
                         csv_field(row.unit.method, text), csv_field(sweep::settings_text(row.unit.settings), text),
                         model.rank, csv_field(model.model, text), csv_number(model.score), csv_number(model.truth),
                         csv_number(tau), model.seconds, place_csv(row.result.place, text));
    }
  }
  return csv;
}

std::string to_table(const SweepReport& report, bool colour) {
  using Align = TextTable::Align;
  const Paint paint{colour};
  const std::vector<SweepSummary> summaries = summarise(report);
  const bool varies =
      std::any_of(summaries.begin(), summaries.end(), [](const auto& one) { return !one.label.empty(); });
  const std::vector<std::string> datasets = report.datasets();
  const bool truth = report.has_truth();

  std::vector<TextTable::Column> columns{{"method", Align::left}};
  if (varies) {
    columns.push_back({"settings", Align::left});
  }
  for (const std::string& dataset : datasets) {
    columns.push_back({dataset, truth ? Align::right : Align::left});
  }
  if (truth) {
    columns.push_back({"mean"});
  }
  columns.push_back({"seconds"});
  const auto better = [](const SweepSummary& a, const SweepSummary& b) { return a.tau_w < b.tau_w; };
  const auto best = std::max_element(summaries.begin(), summaries.end(), better);
  TextTable table(columns);
  for (const SweepSummary& summary : summaries) {
    std::vector<std::string> cells{summary.method};
    if (varies) {
      cells.push_back(summary.label);
    }
    for (const std::string& dataset : datasets) {
      cells.push_back(cell_text(summary.cell(dataset), truth));
    }
    if (truth) {
      cells.push_back(figure(summary.tau_w));
    }
    cells.push_back(fmt::format("{:.2f}", summary.seconds));
    table.add(std::move(cells), truth && summary.tau_w && summary.tau_w == best->tau_w ? TextTable::Style::good
                                                                                       : TextTable::Style::plain);
  }

  std::string text = truth ? "tau_w, mean over seeds ± standard deviation\n" : "the model that came first\n";
  text += table.text(paint);
  if (const std::string sentence = fixed_order_sentence(report.fixed_orders()); !sentence.empty()) {
    text += paint.dim("  " + sentence) + "\n";
  }
  text += "\n";
  std::size_t failures = 0;
  for (const SweepRow& row : report.rows) {
    for (const Failure& failure : row.failures) {
      ++failures;
      text += paint.bad("not scored: ") +
              fmt::format("{} on {} by {}: {}\n", failure.model.empty() ? "all" : printable(failure.model, 200),
                          printable(row.unit.dataset, 200), row.unit.method, printable(failure.message, 1000));
    }
  }
  text += failures == 0 ? "" : "\n";
  text += fmt::format("{}{}, {}, {:.1f} s on {}{}\n", plural(report.rows.size(), "unit"),
                      report.rows.size() == report.units ? "" : fmt::format(" of {}", with_commas(report.units)),
                      plural(datasets.size(), "data set"), report.seconds,
                      plural(static_cast<std::size_t>(std::max(report.threads, 1)), "thread"),
                      report.resumed == 0 ? "" : fmt::format("; {} from the journal", with_commas(report.resumed)));
  return text;
}

}  // namespace itm
