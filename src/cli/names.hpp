#pragma once
// Lists of names as the person typed them.

#include <algorithm>
#include <string>
#include <vector>

namespace itm::cli {

/// Each name once, in the order in which it first stands.
[[nodiscard]] inline std::vector<std::string> each_once(const std::vector<std::string>& names) {
  std::vector<std::string> unique;
  std::copy_if(names.begin(), names.end(), std::back_inserter(unique),
               [&](const std::string& name) { return std::find(unique.begin(), unique.end(), name) == unique.end(); });
  return unique;
}

}  // namespace itm::cli
