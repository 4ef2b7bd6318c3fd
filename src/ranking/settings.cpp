#include "ranking/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/precision_name.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/sweep.hpp"

namespace itm {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
/// From here on a double skips whole numbers.
constexpr double largest_whole = 9007199254740992.0;

bool is_whole(double value) { return std::trunc(value) == value && std::abs(value) <= largest_whole; }

template <typename T>
struct is_optional : std::false_type {};
template <typename T>
struct is_optional<std::optional<T>> : std::true_type {};

template <typename Field>
SettingValue value_of(const Field& field) {
  if constexpr (is_optional<Field>::value) {
    return field.value_or(none);
  } else {
    return static_cast<double>(field);
  }
}

/// `at` gives the field, of mutable and of constant options.
template <typename At>
SharedSetting number(SettingScope scope, Setting setting, At at) {
  using Field = std::remove_cvref_t<decltype(at(std::declval<RankOptions&>()))>;
  setting.whole = std::is_integral_v<Field>;
  const RankOptions standard;
  setting.standard = value_of(at(standard));
  return {std::move(setting), scope,
          [at](RankOptions& options, const SettingValue& value) {
            const double given = std::get<double>(value);
            if constexpr (std::is_integral_v<Field>) {
              at(options) = given < 0x1p64 ? static_cast<Field>(given) : std::numeric_limits<Field>::max();
            } else {
              at(options) = given;
            }
          },
          [at](const RankOptions& options) { return value_of(at(options)); }};
}

template <typename T, typename At>
SharedSetting choice(SettingScope scope, Setting setting, At at,
                     const std::vector<std::pair<std::string, T>>& choices) {
  std::transform(choices.begin(), choices.end(), std::back_inserter(setting.words),
                 [](const auto& word) { return word.first; });
  const auto read = [at, choices](const RankOptions& options) -> SettingValue {
    const T value = at(options);
    return std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return c.second == value; })->first;
  };
  setting.standard = read(RankOptions());
  return {std::move(setting), scope,
          [at, choices](RankOptions& options, const SettingValue& value) {
            const auto& word = std::get<std::string>(value);
            at(options) =
                std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return c.first == word; })->second;
          },
          read};
}

Setting described(std::string name, std::string help, double low = 0,
                  double high = std::numeric_limits<double>::infinity()) {
  Setting made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.low = low;
  made.high = high;
  return made;
}

/// A number above 0: learning rates and the like have no smallest value to name.
Setting positive(std::string name, std::string help) {
  Setting made = described(std::move(name), std::move(help));
  made.above_low = true;
  return made;
}

std::vector<SharedSetting> make_settings() {
  constexpr SettingScope itm = SettingScope::training;
  return {
      number(
          itm, described("batch-size", "Rows per batch", 1), [](auto& o) -> auto& { return o.itm.batch_size; }),
      number(
          itm, described("iterations", "Updates per model", 1, 100'000),
          [](auto& o) -> auto& { return o.itm.iterations; }),
      number(
          itm, described("validate-every", "Updates between checkpoints", 1),
          [](auto& o) -> auto& { return o.itm.validate_every; }),
      number(
          itm, described("steps", "Evolution steps n of eq. 7", 1, 10'000),
          [](auto& o) -> auto& { return o.itm.steps; }),
      number(
          itm, described("eta", "Base rate eta_b of eq. 12", 0, 1), [](auto& o) -> auto& { return o.itm.eta; }),
      choice<bool>(itm, described("adaptive", "Adapt eta to each model's dispersion; off: all get --eta"),
                   [](auto& o) -> auto& { return o.itm.adaptive; }, {{"on", true}, {"off", false}}),
      number(
          itm, positive("dispersion-base", "Fixed dis_b; default: mean over the models ranked"),
          [](auto& o) -> auto& { return o.itm.dispersion_base; }),
      choice<bool>(itm, described("dispersion-scale", "Compare dis, or dis / sqrt(D) where widths differ"),
                   [](auto& o) -> auto& { return o.itm.dispersion_per_sqrt_dim; },
                   {{"none", false}, {"sqrt-dim", true}}),
      number(
          itm, described("pull-weight", "Weight of an explicit MSE(Theta, Y) term"),
          [](auto& o) -> auto& { return o.itm.pull_weight; }),
      choice<Standardise>(itm, described("standardise", "Scaling of features"),
                          [](auto& o) -> auto& { return o.itm.standardise; },
                          {{"none", Standardise::none}, {"dim", Standardise::dim}, {"global", Standardise::global}}),
      choice<CentreKind>(itm, described("centres", "Pseudo-cluster centres"),
                         [](auto& o) -> auto& { return o.itm.centres; },
                         {{"onehot", CentreKind::onehot},
                          {"random", CentreKind::random},
                          {"pca", CentreKind::pca},
                          {"laplacian", CentreKind::laplacian}}),
      choice<Recurrence>(
          itm, described("recurrence", "How eq. 7 is evaluated; the result is the same"),
          [](auto& o) -> auto& { return o.itm.recurrence; },
          {{"auto", Recurrence::automatic}, {"gram", Recurrence::gram}, {"factored", Recurrence::factored}}),
      choice<ValidationTargets>(itm, described("validation-targets", "Targets on held-out rows"),
                                [](auto& o) -> auto& { return o.itm.validation_targets; },
                                {{"labels", ValidationTargets::labels}, {"predicted", ValidationTargets::predicted}}),
      choice<Precision>(
          itm,
          described("precision",
                    "Arithmetic; on a GPU alone: 3xtf32, on tensor cores with nearly the accuracy of "
                    "float32, and tf32, to 11 bits"),
          [](auto& o) -> auto& { return o.itm.precision; }, named_precisions()),
      number(
          itm, positive("learning-rate", "AdamW's rate at step 0"),
          [](auto& o) -> auto& { return o.itm.learning_rate; }),
      number(
          itm, described("weight-decay", "AdamW's decay"), [](auto& o) -> auto& { return o.itm.weight_decay; }),

      choice<Variant>(SettingScope::arithmetic,
                      described("variant",
                                "Arithmetic of the published code, or what it means to compute where the two differ "
                                "(ITM: no difference)"),
                      [](auto& o) -> auto& { return o.variant; },
                      {{"published", Variant::published}, {"exact", Variant::exact}}),
      choice<Precision>(SettingScope::arithmetic,
                        described("arithmetic",
                                  "Matrix products of the methods other than ITM where float32 will do; it is faster "
                                  "and less exact"),
                        [](auto& o) -> auto& { return o.arithmetic; },
                        {{"float64", Precision::float64}, {"float32", Precision::float32}}),
      number(
          SettingScope::seeded, described("seed", "Seed of every draw", 0, largest_whole),
          [](auto& o) -> auto& { return o.seed; }),
      number(
          SettingScope::seeded,
          described("repeats", "Seeds seed, seed + 1, ... to average over, for methods that draw random numbers", 1,
                    10'000),
          [](auto& o) -> auto& { return o.repeats; }),
      number(
          SettingScope::arithmetic,
          described("jackknife",
                    "Groups of rows left out in turn for the error of a score; 0: none, default: 8 where that is cheap",
                    0, 1000),
          [](auto& o) -> auto& { return o.jackknife; }),
      choice<bool>(SettingScope::every, described("drop-bad-rows", "Drop rows with NaN or infinity"),
                   [](auto& o) -> auto& { return o.drop_bad_rows; }, {{"off", false}, {"on", true}}),
      number(
          SettingScope::every, described("drop-rare-classes", "Leave out classes with fewer rows; 0: none", 0, 1e9),
          [](auto& o) -> auto& { return o.drop_rare_classes; }),
      number(
          SettingScope::every,
          described("rows",
                    "Score at most so many rows of a data set, the same for all models, drawn by --seed; 0: all", 0,
                    1e9),
          [](auto& o) -> auto& { return o.rows; }),
  };
}

std::string bound_text(const Setting& setting, double bound) {
  return setting.whole ? with_commas(static_cast<std::uint64_t>(bound)) : fmt::format("{}", bound);
}

const SharedSetting* find_shared(const std::string& name) {
  const auto& all = shared_settings();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const SharedSetting& s) { return s.setting.name == name; });
  return found == all.end() ? nullptr : &*found;
}

/// The setting that only this method has; `name` with the method in front.
const Setting* find_own(const Estimator& estimator, const std::string& name) {
  const auto found = std::find_if(estimator.settings.begin(), estimator.settings.end(),
                                  [&](const Setting& s) { return name == estimator.name + "-" + s.name; });
  return found == estimator.settings.end() ? nullptr : &*found;
}

const Setting& find_setting(const std::string& name) {
  if (const SharedSetting* shared = find_shared(name)) {
    return shared->setting;
  }
  for (const Estimator& estimator : estimators()) {
    if (const Setting* own = find_own(estimator, name)) {
      return *own;
    }
  }
  std::vector<std::string> names;
  for (const SharedSetting& shared : shared_settings()) {
    names.push_back(shared.setting.name);
  }
  throw InputError(
      fmt::format("there is no setting {}; choose among: {}, and <method>-<name> as itm methods NAME lists them",
                  in_quotes(name), fmt::join(names, ", ")));
}

}  // namespace

const std::vector<SharedSetting>& shared_settings() {
  static const std::vector<SharedSetting> all = make_settings();
  return all;
}

std::string wanted_text(const Setting& setting) {
  if (!is_number(setting)) {
    return setting.words.empty() ? "text" : fmt::format("one of {}", fmt::join(setting.words, "|"));
  }
  const std::string kind = setting.whole ? "a whole number" : "a number";
  if (setting.above_low) {
    return fmt::format("{} above {}", kind, bound_text(setting, setting.low));
  }
  return std::isinf(setting.high) ? fmt::format("{} of at least {}", kind, bound_text(setting, setting.low))
                                  : fmt::format("{} from {} to {}", kind, bound_text(setting, setting.low),
                                                bound_text(setting, setting.high));
}

std::string value_text(const SettingValue& value) {
  if (const auto* word = std::get_if<std::string>(&value)) {
    return *word;
  }
  const double given = std::get<double>(value);
  return is_whole(given) ? fmt::format("{}", static_cast<std::int64_t>(given)) : fmt::format("{}", given);
}

bool accepts(const Setting& setting, const SettingValue& value) {
  if (value.index() != setting.standard.index()) {
    return false;
  }
  if (const auto* word = std::get_if<std::string>(&value)) {
    return setting.words.empty() || std::find(setting.words.begin(), setting.words.end(), *word) != setting.words.end();
  }
  const double given = std::get<double>(value);
  return std::isfinite(given) && given >= setting.low && given <= setting.high &&
         !(setting.above_low && given == setting.low) && (!setting.whole || std::trunc(given) == given);
}

std::optional<SettingValue> parse_value(const Setting& setting, std::string_view text) {
  SettingValue value = std::string(text);
  if (is_number(setting)) {
    const char* end = text.data() + text.size();
    const auto read = [&](auto number) {  // "1e3" is no whole number to a person
      const auto [stop, error] = std::from_chars(text.data(), end, number);
      value = static_cast<double>(number);
      return stop == end && error == std::errc{};
    };
    if (!(setting.whole ? read(std::uint64_t{}) : read(double{}))) {
      return std::nullopt;
    }
  }
  return accepts(setting, value) ? std::optional(value) : std::nullopt;
}

void apply_setting(RankOptions& options, const std::string& name, const SettingValue& value) {
  const Setting& setting = find_setting(name);
  if (!accepts(setting, value)) {
    throw InputError(
        fmt::format("{}: {} is not {}", name,
                    is_number(setting) && value.index() == 0 ? value_text(value) : in_quotes(value_text(value)),
                    wanted_text(setting)));
  }
  if (const SharedSetting* shared = find_shared(name)) {
    shared->write(options, value);
  } else {
    options.settings[name] = value;
  }
}

std::vector<std::pair<std::string, std::string>> settings_in_effect(const RankOptions& options) {
  std::vector<std::pair<std::string, std::string>> values;
  const auto add = [&](const std::string& name, const SettingValue& value) {
    const auto* number = std::get_if<double>(&value);
    if (number == nullptr || !std::isnan(*number)) {
      values.emplace_back(name, value_text(value));
    }
  };
  for (const SharedSetting& shared : shared_settings()) {
    add(shared.setting.name, shared.read(options));
  }
  for (const Estimator& estimator : estimators()) {
    for (const Setting& setting : estimator.settings) {
      const std::string name = estimator.name + "-" + setting.name;
      const auto given = options.settings.find(name);
      add(name, given == options.settings.end() ? setting.standard : given->second);
    }
  }
  return values;
}

bool setting_applies(const Estimator& estimator, const std::string& name) {
  const SharedSetting* shared = find_shared(name);
  if (shared == nullptr) {
    (void)find_setting(name);
    return find_own(estimator, name) != nullptr;
  }
  switch (shared->scope) {
    case SettingScope::training:
      return estimator.group == SettingGroup::training;
    case SettingScope::arithmetic:
      return estimator.group == SettingGroup::arithmetic;
    case SettingScope::seeded:
      return estimator.seeded;
    case SettingScope::every:
      return true;
  }
  return false;
}

}  // namespace itm
