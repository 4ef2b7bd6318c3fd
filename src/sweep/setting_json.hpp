#pragma once
// Settings as JSON, the same in specs, journals and reports.

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "itm/estimator.hpp"

namespace itm::sweep {

/// Whole numbers without a fraction: 256, not 256.0.
[[nodiscard]] inline nlohmann::ordered_json setting_json(const SettingValue& value) {
  if (const auto* word = std::get_if<std::string>(&value)) {
    return *word;
  }
  const double number = std::get<double>(value);
  if (std::trunc(number) == number && std::abs(number) <= 0x1p53) {
    return static_cast<std::int64_t>(number);
  }
  return number;
}

[[nodiscard]] inline nlohmann::ordered_json settings_json(
    const std::vector<std::pair<std::string, SettingValue>>& settings) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : settings) {
    json[name] = setting_json(value);
  }
  return json;
}

}  // namespace itm::sweep
