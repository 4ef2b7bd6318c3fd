#pragma once
// The cross product of settings, the same for sweeps and ablations.

#include <string>
#include <utility>
#include <vector>

#include "itm/estimator.hpp"

namespace itm::sweep {

using Settings = std::vector<std::pair<std::string, SettingValue>>;

/// Every combination of the axes' values; the first axis varies slowest. One empty combination of none.
[[nodiscard]] inline std::vector<Settings> combinations(
    const std::vector<std::pair<std::string, std::vector<SettingValue>>>& axes) {
  std::vector<Settings> all{{}};
  for (const auto& [name, values] : axes) {
    std::vector<Settings> longer;
    for (const Settings& start : all) {
      for (const SettingValue& value : values) {
        longer.push_back(start);
        longer.back().emplace_back(name, value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace itm::sweep
