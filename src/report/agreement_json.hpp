#pragma once
// Agreement as JSON, the same in the files of `rank` and `correlate`. Undefined figures are null.

#include <nlohmann/json.hpp>
#include <string>

#include "itm/agreement.hpp"

namespace itm {

[[nodiscard]] nlohmann::ordered_json agreement_json(const Agreement& agreement);

/// Indented text that ends in a line break. File names that are not UTF-8 are repaired instead of refused.
[[nodiscard]] std::string dump(const nlohmann::ordered_json& json);

}  // namespace itm
