#include "cli/method_options.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "cli/itm_options.hpp"
#include "cli/options.hpp"

namespace itm::cli {
namespace {

void add_number_setting(CLI::App& app, const std::string& key, const Setting& setting, MethodOptions& options) {
  const double most = std::min(setting.high, std::numeric_limits<double>::max());
  auto* option = app.add_option(
      "--" + key,
      [&options, key, setting, most](const CLI::results_t& texts) {
        const std::string name = "--" + key;
        options.settings[key] =
            setting.whole
                ? static_cast<double>(detail::parse<std::uint64_t>(
                      name, texts.at(0), static_cast<std::uint64_t>(setting.low),
                      most < 1e18 ? static_cast<std::uint64_t>(most) : std::numeric_limits<std::uint64_t>::max()))
                : detail::parse<double>(name, texts.at(0), setting.low, most);
        return true;
      },
      setting.help);
  option->type_name("N")->default_str(fmt::format("{}", std::get<double>(setting.standard)));
  option->group("Options of " + key.substr(0, key.find('-')));
}

void add_word_setting(CLI::App& app, const std::string& key, const Setting& setting, MethodOptions& options) {
  const std::string words = fmt::format("{}", fmt::join(setting.words, "|"));
  auto* option = app.add_option(
      "--" + key,
      [&options, key, setting, words](const CLI::results_t& texts) {
        const std::string& word = texts.at(0);
        if (!setting.words.empty() &&
            std::find(setting.words.begin(), setting.words.end(), word) == setting.words.end()) {
          detail::refuse("--" + key, word, "one of " + words);
        }
        options.settings[key] = word;
        return true;
      },
      setting.help);
  option->type_name(words.empty() ? "FILE" : words)->default_str(std::get<std::string>(setting.standard));
  option->group("Options of " + key.substr(0, key.find('-')));
}

}  // namespace

void add_method_options(CLI::App& app, MethodOptions& options) {
  add_choice<Variant>(app, "--variant", options.variant, {{"published", Variant::published}, {"exact", Variant::exact}},
                      "Arithmetic of the published code, or what it means to compute where the two differ (ITM: no "
                      "difference)");
  add_choice<Arithmetic>(
      app, "--arithmetic", options.arithmetic, {{"float64", Arithmetic::float64}, {"float32", Arithmetic::float32}},
      "Matrix products of the methods other than ITM where float32 will do; it is faster and less exact");
  add_number<std::size_t>(app, "--repeats", options.repeats, 1, 10'000,
                          "Seeds seed, seed + 1, ... to average over, for methods that draw random numbers");
  app.add_flag("--drop-bad-rows", options.drop_bad_rows, "Drop rows with NaN or infinity");
  add_itm_options(app, options.itm);
  for (const Estimator& estimator : estimators()) {
    for (const Setting& setting : estimator.settings) {
      const std::string key = estimator.name + "-" + setting.name;
      if (std::holds_alternative<double>(setting.standard)) {
        add_number_setting(app, key, setting, options);
      } else {
        add_word_setting(app, key, setting, options);
      }
    }
  }
}

}  // namespace itm::cli
