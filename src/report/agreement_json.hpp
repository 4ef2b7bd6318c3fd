#pragma once
// Agreement as JSON, the same in the files of `rank` and `correlate`. Undefined figures are null.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "itm/agreement.hpp"

namespace itm {

[[nodiscard]] nlohmann::ordered_json agreement_json(const Agreement& agreement);

/// The same JSON without control characters and marks of direction, which stand inside strings only and become \uXXXX.
[[nodiscard]] std::string visible_json(std::string_view text);

/// Indented text that ends in a line break, fit for a terminal. File names that are not UTF-8 are repaired instead of
/// refused.
template <typename Json>
[[nodiscard]] std::string dump(const Json& json) {
  return visible_json(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}
[[nodiscard]] inline std::string dump(const nlohmann::ordered_json& json) { return dump<nlohmann::ordered_json>(json); }

}  // namespace itm
