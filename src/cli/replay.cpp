// `itm replay`: a float64 autograd trace through the engine, every array compared.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "core/precision_name.hpp"
#include "itm/verify.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

struct ReplayOptions {
  std::filesystem::path folder;
  Precision precision = Precision::float64;
  Recurrence recurrence = Recurrence::automatic;
};

std::string as_json(const ReplayOptions& options, const std::vector<Deviation>& deviations, bool within) {
  nlohmann::json json{{"schema", "itm.replay/1"}, {"trace", options.folder.string()}, {"within_tolerance", within}};
  for (const Deviation& d : deviations) {
    json["arrays"].push_back({{"name", d.name},
                              {"max_absolute", d.absolute},
                              {"max_relative", d.relative},
                              {"frobenius_relative", d.frobenius},
                              {"tolerance", d.tolerance},
                              {"within_tolerance", d.within}});
  }
  return dump(json);
}

std::string as_csv(const std::vector<Deviation>& deviations, CsvText text) {
  std::string csv = "array,max_absolute,max_relative,frobenius_relative,tolerance,within_tolerance\n";
  for (const Deviation& d : deviations) {
    csv += fmt::format("{},{},{},{},{},{}\n", csv_field(d.name, text), d.absolute, d.relative, d.frobenius, d.tolerance,
                       d.within);
  }
  return csv;
}

std::string as_table(const ReplayOptions& options, const std::vector<Deviation>& deviations, Paint paint) {
  TextTable table({{"array", TextTable::Align::left},
                   {"max |diff|"},
                   {"max relative"},
                   {"Frobenius"},
                   {"allowed"},
                   {"", TextTable::Align::left}});
  for (const Deviation& d : deviations) {
    table.add({d.name, fmt::format("{:.1e}", d.absolute), fmt::format("{:.1e}", d.relative),
               fmt::format("{:.1e}", d.frobenius), fmt::format("{:.0e}", d.tolerance), d.within ? "ok" : "BEYOND"},
              d.within ? TextTable::Style::plain : TextTable::Style::bad);
  }
  const auto within = std::count_if(deviations.begin(), deviations.end(), [](const Deviation& d) { return d.within; });
  return table.text(paint) +
         fmt::format("{}: {} of {} arrays within tolerance\n", path_text(options.folder), within, deviations.size());
}

ExitStatus replay(const ReplayOptions& options, const Context& context) {
  std::error_code ignored;  // whoever reads the trace says what is wrong with its folder
  for (const auto& entry : std::filesystem::directory_iterator(options.folder, ignored)) {
    context.reads("a file of the trace", entry.path());
  }
  const std::shared_ptr<ItmEngine> engine = context.engine();
  const std::vector<Deviation> deviations =
      replay_trace(options.folder, options.precision, options.recurrence, engine.get());
  const bool within = std::all_of(deviations.begin(), deviations.end(), [](const Deviation& d) { return d.within; });
  context.write(context.in_format([&] { return as_json(options, deviations, within); },
                                  [&] { return as_csv(deviations, context.csv_text()); },
                                  [&] { return as_table(options, deviations, context.paint()); }));
  return within ? ExitStatus::success : ExitStatus::comparison_failed;
}

}  // namespace

Command replay_command() {
  return {
      "replay", "Run a recorded float64 trace through the engine and compare every array",
      [](CLI::App& app, Context& context) -> Action {
        auto options = std::make_shared<ReplayOptions>();
        app.add_option("trace", options->folder, "Folder with trace.json and its arrays")->required()->type_name("DIR");
        add_choice<Precision>(app, "--precision", options->precision, named_precisions(),
                              "Arithmetic of the engine; 3xtf32 and tf32 on a GPU alone");
        add_choice<Recurrence>(
            app, "--recurrence", options->recurrence,
            {{"auto", Recurrence::automatic}, {"gram", Recurrence::gram}, {"factored", Recurrence::factored}},
            "How C_j R is evaluated");
        app.footer(
            "float64 must agree within 1e-9 of each array's largest element; float32 within 1e-4 (losses, curve) and\n"
            "1e-3 in relative Frobenius norm (arrays). Exit status 1 when an array is beyond.\n\n"
            "Examples:\n"
            "  itm replay tests/data/itm_trace/small\n"
            "  itm replay tests/data/itm_trace/wide --precision float32 --recurrence gram --format json");
        return [options, &context] { return replay(*options, context); };
      }};
}

}  // namespace itm::cli
