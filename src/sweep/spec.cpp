// The spec of a sweep as a file: JSON of schema itm.sweep/1.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/text.hpp"
#include "io/json.hpp"
#include "io/json_lines.hpp"
#include "itm/error.hpp"
#include "itm/sweep.hpp"
#include "sweep/spec.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;  // the order of the settings is the order of the units

class SpecFile {
 public:
  explicit SpecFile(const std::filesystem::path& file) : file_(file) {}

  [[nodiscard]] SweepSpec parse(std::string_view text_of_file) {
    const auto json = io::parse_json<Json>({file_, {}}, text_of_file, "name the JSON file of a sweep");
    for (const auto& [part, line] : io::lines_of_json(text_of_file)) {
      places_[part] = fmt::format("{}: line {}: ", path_text(file_), line);
    }
    check_keys(json);
    SweepSpec spec;
    spec.places = places_;
    if (!json.contains("zoo")) {
      refuse("", "has no \"zoo\"; add the folder of the features");
    }
    spec.zoo = file_.parent_path() / text(json["zoo"], "zoo");
    if (json.contains("truth")) {
      spec.truth = file_.parent_path() / text(json["truth"], "truth");
    }
    if (json.contains("datasets")) {
      spec.datasets = texts(json["datasets"], "datasets");
    }
    if (json.contains("methods")) {
      spec.methods = texts(json["methods"], "methods");
    }
    if (json.contains("settings")) {
      if (!json["settings"].is_object()) {
        refuse("settings", "\"settings\" is no object; write {{\"name\": value or [values]}}");
      }
      for (const auto& [name, values] : json["settings"].items()) {
        spec.settings.emplace_back(name, settings(name, values));
      }
    }
    return spec;
  }

 private:
  /// `part` is the path of what is wrong; empty: the file as a whole.
  template <typename... Args>
  [[noreturn]] void refuse(const std::string& part, fmt::format_string<Args...> sentence, Args&&... args) const {
    const auto place = places_.find(part);
    throw InputError((part.empty() || place == places_.end() ? path_text(file_) + ": " : place->second) +
                     fmt::format(sentence, std::forward<Args>(args)...));
  }

  void check_keys(const Json& json) const {
    constexpr std::array<std::string_view, 6> known{"schema", "zoo", "truth", "datasets", "methods", "settings"};
    if (!json.is_object() || !json.contains("schema") || json["schema"] != "itm.sweep/1") {
      refuse("", "is no sweep; it needs \"schema\": \"itm.sweep/1\"");
    }
    for (const auto& [key, ignored] : json.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        refuse(key, "the key {} is unknown; choose among: {}", in_quotes(key), fmt::join(known, ", "));
      }
    }
  }

  [[nodiscard]] std::string text(const Json& json, const std::string& key) const {
    if (!json.is_string() || json.get_ref<const std::string&>().empty()) {
      refuse(key, "\"{}\" is {}; it takes a text", key, printable(json.dump()));
    }
    return json.get<std::string>();
  }

  [[nodiscard]] std::vector<std::string> texts(const Json& json, const std::string& key) const {
    if (!json.is_array() || json.empty()) {
      refuse(key, "\"{}\" is {}; it takes a list of names, or leave it out", key, printable(json.dump()));
    }
    std::vector<std::string> all;
    for (const Json& element : json) {
      all.push_back(text(element, key));
    }
    return all;
  }

  [[nodiscard]] std::vector<SettingValue> settings(const std::string& name, const Json& json) const {
    const Json list = json.is_array() ? json : Json::array({json});
    if (list.empty()) {
      refuse("settings/" + name, "the setting {} has no value; give one or leave it out", in_quotes(name));
    }
    std::vector<SettingValue> values;
    for (const Json& value : list) {
      if (value.is_number()) {
        values.emplace_back(value.get<double>());
      } else if (value.is_string()) {
        values.emplace_back(value.get<std::string>());
      } else if (value.is_boolean()) {
        values.emplace_back(value.get<bool>() ? "on" : "off");
      } else {
        refuse("settings/" + name, "the setting {} has the value {}; it takes numbers or words", in_quotes(name),
               printable(value.dump()));
      }
    }
    return values;
  }

  const std::filesystem::path& file_;
  std::map<std::string, std::string> places_;
};

}  // namespace

namespace sweep {

SweepSpec parse_spec(const std::filesystem::path& file, std::string_view text) { return SpecFile(file).parse(text); }

}  // namespace sweep

SweepSpec read_sweep_spec(const std::filesystem::path& file) {
  return sweep::parse_spec(file, io::read_text(file, io::TextKind::spec));
}

}  // namespace itm
