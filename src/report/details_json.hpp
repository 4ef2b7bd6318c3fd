#pragma once
// Details at the edge: as JSON, and back from a journal.

#include <nlohmann/json.hpp>

#include "itm/details.hpp"

namespace itm {

/// Numbers that are not finite become null.
[[nodiscard]] nlohmann::ordered_json to_json(const Details& details);
[[nodiscard]] nlohmann::ordered_json to_json(const DetailValue& value);

/// What to_json() made. Null reads as NaN. Throws InputError where the JSON is no object or holds a list of anything
/// but numbers or objects.
[[nodiscard]] Details details_of(const nlohmann::ordered_json& json);

}  // namespace itm
