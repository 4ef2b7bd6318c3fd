#include "cli/method_options.hpp"

#include <fmt/ranges.h>

#include <cmath>

#include "cli/options.hpp"
#include "itm/sweep.hpp"
#include "ranking/settings.hpp"

namespace itm::cli {
namespace {

/// `--name`, which writes through apply_setting().
CLI::Option* add_setting(CLI::App& app, const std::string& name, const Setting& setting, const SettingValue& standard,
                         RankOptions& options) {
  auto* option = app.add_option(
      "--" + name,
      [&options, name, setting](const CLI::results_t& texts) {
        const std::optional<SettingValue> value = parse_value(setting, texts.at(0));
        if (!value) {
          detail::refuse("--" + name, texts.at(0), wanted_text(setting));
        }
        apply_setting(options, name, *value);
        return true;
      },
      setting.help);
  const std::string words = fmt::format("{}", fmt::join(setting.words, "|"));
  option->type_name(is_number(setting) ? "N" : words.empty() ? "FILE" : words);
  const auto* number = std::get_if<double>(&standard);
  if (number == nullptr || !std::isnan(*number)) {
    option->default_str(value_text(standard));
  }
  return option;
}

void add_shared(CLI::App& app, bool of_itm, RankOptions& options) {
  for (const SharedSetting& shared : shared_settings()) {
    const std::string& name = shared.setting.name;
    if ((shared.scope == SettingScope::training) != of_itm || name == "seed" || name == "drop-bad-rows") {
      continue;  // --seed is an option of every command, --drop-bad-rows a flag
    }
    CLI::Option* option = add_setting(app, name, shared.setting, shared.read(options), options);
    if (of_itm) {
      option->group("Options of ITM");
    }
  }
}

}  // namespace

void add_itm_options(CLI::App& app, RankOptions& options) { add_shared(app, true, options); }

void add_method_options(CLI::App& app, RankOptions& options) {
  add_shared(app, false, options);
  app.add_flag("--drop-bad-rows", options.drop_bad_rows, "Drop rows with NaN or infinity");
  add_itm_options(app, options);
  for (const Estimator& estimator : estimators()) {
    for (const Setting& setting : estimator.settings) {
      add_setting(app, estimator.name + "-" + setting.name, setting, setting.standard, options)
          ->group("Options of " + estimator.name);
    }
  }
}

}  // namespace itm::cli
