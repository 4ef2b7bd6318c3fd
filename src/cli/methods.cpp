// `itm methods`: what there is to choose from.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "itm/estimator.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "classes, labels, numbers".
std::string kinds_of(const Estimator& estimator) {
  return fmt::format("classes{}{}", estimator.inputs.multi_label ? ", labels" : "",
                     estimator.inputs.regression ? ", numbers" : "");
}

/// "features, labels, source features".
std::string inputs_of(const Estimator& estimator) {
  return fmt::format("{}labels{}{}{}", estimator.inputs.features ? "features, " : "",
                     estimator.inputs.regression || estimator.inputs.multi_label ? " or targets" : "",
                     estimator.inputs.output ? ", source logits" : "",
                     estimator.inputs.source ? ", source features" : "");
}

std::string text_of(const SettingValue& value) {
  return std::holds_alternative<double>(value) ? fmt::format("{}", std::get<double>(value))
                                               : std::get<std::string>(value);
}

std::string as_json(const std::vector<Estimator>& methods) {
  Json json{{"schema", "itm.methods/1"}, {"methods", Json::array()}};
  for (const Estimator& method : methods) {
    Json options = Json::array();
    for (const Setting& setting : method.settings) {
      options.push_back({{"option", fmt::format("--{}-{}", method.name, setting.name)},
                         {"default", text_of(setting.standard)},
                         {"help", setting.help}});
    }
    json["methods"].push_back({{"name", method.name},
                               {"description", method.description},
                               {"citation", method.citation},
                               {"needs_output", method.inputs.output},
                               {"needs_source", method.inputs.source},
                               {"regression", method.inputs.regression},
                               {"multi_label", method.inputs.multi_label},
                               {"validates", method.validates},
                               {"seeded", method.seeded},
                               {"options", std::move(options)}});
  }
  return dump(json);
}

std::string as_csv(const std::vector<Estimator>& methods) {
  std::string csv = "name,description,inputs,predicts,seeded,validates,citation\n";
  for (const Estimator& method : methods) {
    csv += fmt::format("{},{},{},{},{},{},{}\n", csv_field(method.name), csv_field(method.description),
                       csv_field(inputs_of(method)), csv_field(kinds_of(method)), method.seeded, method.validates,
                       csv_field(method.citation));
  }
  return csv;
}

std::string overview(const std::vector<Estimator>& methods, Paint paint) {
  using Align = TextTable::Align;
  TextTable table(
      {{"method", Align::left}, {"what it measures", Align::left}, {"reads", Align::left}, {"predicts", Align::left}});
  for (const Estimator& method : methods) {
    table.add({method.name, method.description, inputs_of(method), kinds_of(method)});
  }
  return table.text(paint) + fmt::format("{} methods; itm methods NAME shows one with its options\n", methods.size());
}

std::string one(const Estimator& method, Paint paint) {
  std::string text =
      fmt::format("{}  {}\n  {}\n  reads {}; predicts {}{}{}\n", paint.bold(method.name), method.description,
                  method.citation, inputs_of(method), kinds_of(method), method.seeded ? "; draws random numbers" : "",
                  method.validates ? "; holds rows out, those of a split where there is one" : "");
  for (const Setting& setting : method.settings) {
    text += fmt::format("  --{}-{} {}  {} [{}]\n", method.name, setting.name,
                        setting.words.empty() ? "N" : fmt::format("{}", fmt::join(setting.words, "|")), setting.help,
                        text_of(setting.standard));
  }
  return text;
}

ExitStatus list(const std::string& name, const Context& context) {
  const std::vector<Estimator> methods = name.empty() ? estimators() : std::vector{find_estimator(name)};
  context.write(context.in_format(
      [&] { return as_json(methods); }, [&] { return as_csv(methods); },
      [&] { return name.empty() ? overview(methods, context.paint()) : one(methods.front(), context.paint()); }));
  return ExitStatus::success;
}

}  // namespace

Command methods_command() {
  return {"methods", "List the methods: what they measure, read and offer",
          [](CLI::App& app, Context& context) -> Action {
            auto name = std::make_shared<std::string>();
            app.add_option("method", *name, "Show this one with its options")->type_name("NAME");
            app.footer(
                "Examples:\n"
                "  itm methods\n"
                "  itm methods ped");
            return [name, &context] { return list(*name, context); };
          }};
}

}  // namespace itm::cli
