// `itm verify`: every stage of ITM on a zoo, or the details of any other method, CPU float64 against another precision
// or backend.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/zoo_option.hpp"
#include "core/precision_name.hpp"
#include "itm/verify.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

struct VerifyOptions {
  ZooChoice zoo;
  std::vector<std::string> methods{"itm"};
  ItmOptions itm;
  Precision other = Precision::float32;
  EngineOptions engine;
};

std::string as_json(const std::vector<VerifyReport>& reports) {
  nlohmann::json json{{"schema", "itm.verify/1"}, {"results", nlohmann::json::array()}};
  for (const VerifyReport& report : reports) {
    nlohmann::json result{{"dataset", report.dataset},           {"method", report.method},
                          {"backend", report.place.backend},     {"device", report.place.device},
                          {"precision", report.place.precision}, {"within_tolerance", report.within},
                          {"same_ranking", report.same_ranking}, {"reference_ranking", report.reference_order},
                          {"ranking", report.other_order}};
    for (const StageDeviation& stage : report.stages) {
      result["stages"].push_back({{"name", stage.worst.name},
                                  {"model", stage.model},
                                  {"max_absolute", stage.worst.absolute},
                                  {"frobenius_relative", stage.worst.frobenius},
                                  {"tolerance", stage.worst.tolerance},
                                  {"within_tolerance", stage.worst.within}});
    }
    json["results"].push_back(std::move(result));
  }
  return dump(json);
}

std::string as_csv(const std::vector<VerifyReport>& reports, CsvText text) {
  std::string csv =
      "dataset,method,backend,device,precision,stage,worst_model,max_absolute,frobenius_relative,tolerance,within_"
      "tolerance\n";
  for (const VerifyReport& report : reports) {
    for (const StageDeviation& stage : report.stages) {
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(report.dataset, text), report.method,
                         report.place.backend, csv_field(report.place.device, text), report.place.precision,
                         csv_field(stage.worst.name, text), csv_field(stage.model, text), stage.worst.absolute,
                         stage.worst.frobenius, stage.worst.tolerance, stage.worst.within);
    }
  }
  return csv;
}

std::string as_table(const std::vector<VerifyReport>& reports, Paint paint) {
  std::string text;
  for (const VerifyReport& report : reports) {
    TextTable table({{"stage", TextTable::Align::left},
                     {"max |diff|"},
                     {"Frobenius"},
                     {"allowed"},
                     {"worst model", TextTable::Align::left},
                     {"", TextTable::Align::left}});
    for (const StageDeviation& stage : report.stages) {
      table.add(
          {stage.worst.name, fmt::format("{:.1e}", stage.worst.absolute), fmt::format("{:.1e}", stage.worst.frobenius),
           fmt::format("{:.0e}", stage.worst.tolerance), stage.model,
           !stage.worst.within ? "BEYOND"
           : stage.rounding    ? "ok, as rounding moves it on the CPU"
                               : "ok"},
          stage.worst.within ? TextTable::Style::plain : TextTable::Style::bad);
    }
    text += paint.bold(printable(report.dataset) + ", " + report.method) +
            fmt::format("  {} on {}\n", report.place.precision, printable(report.place.device)) + table.text(paint);
    text += report.reference_order == report.other_order ? "  same ranking"
            : report.same_ranking                        ? "  same ranking up to near ties"
                                                         : "  DIFFERENT ranking";
    text += fmt::format("; best: {}\n\n", printable(report.other_order.front()));
  }
  const auto within = std::count_if(reports.begin(), reports.end(), [](const VerifyReport& r) { return r.within; });
  return text + fmt::format("{} of {} comparisons verified against CPU float64\n", within, reports.size());
}

/// The methods that are asked for and have a GPU path; of "all" those that every model has the inputs for.
std::vector<std::string> methods_of(const VerifyOptions& options, const std::vector<ZooEntry>& entries) {
  std::vector<std::string> names;
  for (const std::string& name : options.methods) {
    if (name != "all") {
      names.push_back(find_estimator(name).name);
      continue;
    }
    for (const Estimator& estimator : estimators()) {
      if (estimator.on_gpu && std::any_of(entries.begin(), entries.end(), [&](const ZooEntry& entry) {
            return estimator.missing_input(entry).empty();
          })) {
        names.push_back(estimator.name);
      }
    }
  }
  return names;
}

ExitStatus verify(const VerifyOptions& options, const Context& context) {
  const std::shared_ptr<ItmEngine> engine = context.engine(options.engine);
  ItmOptions itm = options.itm;
  itm.seed = context.seed;
  const Zoo zoo = find_zoo(options.zoo, {}, context);
  context.computes_from(zoo, options.zoo.datasets);
  RankOptions rank;
  rank.seed = context.seed;
  rank.threads = context.threads;
  rank.cancelled = cancelled;
  std::vector<VerifyReport> reports;
  for (const std::string& dataset : options.zoo.datasets.empty() ? zoo.dataset_names() : options.zoo.datasets) {
    for (const std::string& method : methods_of(options, zoo.entries(dataset))) {
      const auto progress = context.progress("verifying " + method + " on " + dataset);
      if (method == "itm") {
        reports.push_back(verify_dataset(
            zoo, dataset, itm, options.other, context.threads, progress->callback(), [] { return cancelled(); },
            engine.get()));
      } else {
        reports.push_back(verify_method(zoo, dataset, rank, method, engine));
      }
    }
  }
  context.write(context.in_format([&] { return as_json(reports); }, [&] { return as_csv(reports, context.csv_text()); },
                                  [&] { return as_table(reports, context.paint()); }));
  const bool within = std::all_of(reports.begin(), reports.end(), [](const VerifyReport& r) { return r.within; });
  return within ? ExitStatus::success : ExitStatus::comparison_failed;
}

}  // namespace

Command verify_command() {
  return {
      "verify", "Compare every stage of ITM, or any method's details, on a zoo with the CPU float64 reference",
      [](CLI::App& app, Context& context) -> Action {
        auto options = std::make_shared<VerifyOptions>();
        add_zoo(app, options->zoo, "Verify this data set only; can be repeated");
        app.add_option("--method", options->methods, "Methods to verify, or all; several with commas or repeated")
            ->delimiter(',')
            ->type_name("NAME")
            ->capture_default_str();
        add_choice<Precision>(app, "--precision", options->other, named_precisions(),
                              "What is compared with float64; 3xtf32 and tf32 on a GPU alone");
        add_number<std::size_t>(app, "--iterations", options->itm.iterations, 1, 100'000, "Training iterations");
        add_number<std::size_t>(app, "--batch-size", options->itm.batch_size, 1, 1'000'000, "B");
        add_number<std::size_t>(app, "--steps", options->itm.steps, 1, 10'000, "n of eq. 7");
        add_choice<Recurrence>(
            app, "--recurrence", options->itm.recurrence,
            {{"auto", Recurrence::automatic}, {"gram", Recurrence::gram}, {"factored", Recurrence::factored}},
            "How C_j R is evaluated");
        add_engine_options(app, options->engine);
        app.footer(
            "Prints the worst deviation per stage and whether the ranking is the same. Exit status 1 when a stage is\n"
            "beyond its tolerance or the ranking differs by more than near ties. The reference always runs on the "
            "CPU.\n\n"
            "Examples:\n"
            "  itm verify examples/glyphs\n"
            "  itm verify examples/glyphs --backend cuda\n"
            "  itm verify examples/glyphs --method all --backend cuda\n"
            "  itm verify examples/glyphs --dataset texture --steps 3 --format json");
        return [options, &context] { return verify(*options, context); };
      }};
}

}  // namespace itm::cli
