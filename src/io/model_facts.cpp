#include "io/model_facts.hpp"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "core/text.hpp"
#include "io/input_file.hpp"
#include "io/json.hpp"
#include "io/where.hpp"

namespace itm::io {
namespace {

void add_record(const std::filesystem::path& file, ModelFacts& facts) {
  using Json = nlohmann::json;
  const char* remedy = "extract again, or remove the file";
  const auto record = read_json<Json>(file, TextKind::manifest, remedy);
  const auto models = record.is_object() ? record.find("models") : record.end();
  if (models == record.end() || !models->is_array()) {
    refuse(Where{file, {}}, "has no list 'models', so it is no record of an extraction; {}", remedy);
  }
  for (const Json& entry : *models) {
    const auto model = entry.is_object() ? entry.find("model") : entry.end();
    if (model == entry.end() || !model->is_string()) {
      refuse(Where{file, {}}, "has an entry of 'models' without the name of a model; {}", remedy);
    }
    for (const auto& [fact, value] : entry.items()) {
      if (fact != "model" && fact != "dataset" && (value.is_number() || value.is_string())) {
        facts.columns[fact].emplace(model->get<std::string>(),
                                    value.is_string() ? value.get<std::string>() : value.dump());
      }
    }
  }
}

}  // namespace

const std::map<std::string, std::string>& ModelFacts::words(const std::string& fact) const {
  const auto found = columns.find(fact);
  if (found == columns.end()) {
    std::vector<std::string> names;
    for (const auto& [name, values] : columns) {
      names.push_back(name);
    }
    throw InputError(fmt::format(
        "the zoo says nothing of {} of its models; {}", in_quotes(fact),
        names.empty() ? "give its manifest (zoo.csv) such a column"
                      : fmt::format("it knows {}", printable(fmt::format("{}", fmt::join(names, ", ")), 400))));
  }
  return found->second;
}

std::map<std::string, double> ModelFacts::numbers(const std::string& fact) const {
  std::map<std::string, double> out;
  for (const auto& [model, text] : words(fact)) {
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(value)) {
      throw InputError(fmt::format("the zoo gives {} of {} as {}, which is no finite number; correct its manifest",
                                   in_quotes(fact), in_quotes(model), in_quotes(text)));
    }
    out[model] = value;
  }
  return out;
}

ModelFacts facts_of(const Zoo& zoo) {
  ModelFacts facts;
  for (const auto& [dataset, entries] : zoo.datasets) {
    for (const ZooEntry& entry : entries) {
      for (const auto& [fact, value] : entry.facts) {
        facts.columns[fact].emplace(entry.model, value);
      }
    }
  }
  std::error_code none;
  const std::filesystem::path record = zoo.directory / extraction_record;
  if (std::filesystem::exists(record, none)) {
    add_record(record, facts);
  }
  return facts;
}

}  // namespace itm::io
