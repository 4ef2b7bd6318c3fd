// What a sweep will do, before it does it.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "itm/sweep.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/paint.hpp"
#include "report/text_table.hpp"
#include "sweep/setting_json.hpp"
#include "sweep/setting_text.hpp"

namespace itm {
std::string to_table(const SweepPlan& plan, const SweepEstimate& estimate, bool colour) {
  using Align = TextTable::Align;
  const Paint paint{colour};
  TextTable table({{"data set", Align::left}, {"method", Align::left}, {"units"}, {"models"}});
  for (std::size_t first = 0; first < plan.units.size();) {
    const SweepUnit& unit = plan.units[first];
    std::size_t end = first;
    while (end < plan.units.size() && plan.units[end].dataset == unit.dataset &&
           plan.units[end].method == unit.method) {
      ++end;
    }
    table.add(
        {unit.dataset, unit.method, with_commas(end - first), with_commas(plan.zoo.entries(unit.dataset).size())});
    first = end;
  }
  return table.text(paint) +
         fmt::format("\n{} units, data set by data set: those of one data set share its features\n",
                     with_commas(plan.units.size())) +
         fmt::format("{} of {}{} finished; the others take about {} ({})\n", with_commas(estimate.finished),
                     with_commas(estimate.units), estimate.units == plan.units.size() ? "" : " in this shard",
                     duration(estimate.seconds),
                     estimate.from_journal ? "by the seconds of the finished ones" : "a rough guess") +
         fmt::format("about {:.0f} MiB at the peak\n", estimate.memory / (1 << 20));
}

std::string to_json(const SweepPlan& plan, const SweepEstimate& estimate) {
  nlohmann::ordered_json json{{"schema", "itm.sweep.plan/1"},  {"units", nlohmann::ordered_json::array()},
                              {"shard_units", estimate.units}, {"finished", estimate.finished},
                              {"seconds", estimate.seconds},   {"from_journal", estimate.from_journal},
                              {"memory", estimate.memory}};
  for (const SweepUnit& unit : plan.units) {
    json["units"].push_back({{"unit", unit.index},
                             {"dataset", unit.dataset},
                             {"method", unit.method},
                             {"settings", sweep::settings_json(unit.settings)}});
  }
  return dump(json);
}

std::string to_csv(const SweepPlan& plan, CsvText text) {
  std::string csv = "unit,dataset,method,settings\n";
  for (const SweepUnit& unit : plan.units) {
    csv += fmt::format("{},{},{},{}\n", unit.index, csv_field(unit.dataset, text), csv_field(unit.method, text),
                       csv_field(sweep::settings_text(unit.settings), text));
  }
  return csv;
}

}  // namespace itm
