#pragma once
// A number that may be absent as JSON; csv_number() is the same for CSV.

#include <nlohmann/json.hpp>
#include <optional>

namespace itm {

/// Null where there is none.
[[nodiscard]] inline nlohmann::ordered_json json_number(std::optional<double> value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace itm
