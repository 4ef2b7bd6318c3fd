#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ranking/settings.hpp"

namespace itm::sweep {

/// "batch-size=64 eta=0.5"; of `shown` only, where that is given.
[[nodiscard]] inline std::string settings_text(const std::vector<std::pair<std::string, SettingValue>>& settings,
                                               const std::set<std::string>* shown = nullptr) {
  std::string text;
  for (const auto& [name, value] : settings) {
    if (shown == nullptr || shown->count(name) > 0) {
      text += (text.empty() ? "" : " ") + name + "=" + value_text(value);
    }
  }
  return text;
}

}  // namespace itm::sweep
