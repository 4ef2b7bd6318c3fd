#pragma once
// Every setting that a method can be given, in one table: the command line is made from it, and sweeps write through
// it (itm/sweep.hpp). What only one method has stands in its Estimator.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "itm/estimator.hpp"

namespace itm {

/// Which methods a shared setting means something to.
enum class SettingScope : std::uint8_t { training, arithmetic, seeded, every };

/// A setting with a place of its own in RankOptions.
struct SharedSetting {
  Setting setting;  ///< `name` as on the command line, without dashes
  SettingScope scope = SettingScope::training;
  std::function<void(RankOptions&, const SettingValue&)> write;
  std::function<SettingValue(const RankOptions&)> read;  ///< NaN where an optional number is absent
};

/// Those of ITM first, in the order of its help.
[[nodiscard]] const std::vector<SharedSetting>& shared_settings();

[[nodiscard]] inline bool is_number(const Setting& setting) { return std::holds_alternative<double>(setting.standard); }

/// What the setting takes, for messages: "a whole number from 1 to 10,000", "a number above 0", "one of on|off".
[[nodiscard]] std::string wanted_text(const Setting& setting);
/// The value as a person writes it: 256, 0.5, dim. Whole numbers have no exponent.
[[nodiscard]] std::string value_text(const SettingValue& value);
/// Of the right kind, and in range.
[[nodiscard]] bool accepts(const Setting& setting, const SettingValue& value);
/// The text as a value that the setting accepts; nullopt where it is none.
[[nodiscard]] std::optional<SettingValue> parse_value(const Setting& setting, std::string_view text);

}  // namespace itm
