#pragma once
// Other people's text inside markup.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace itm::html {

/// Text as element content or as a quoted attribute: markup is escaped, control characters and broken UTF-8 become
/// U+FFFD.
[[nodiscard]] std::string html_text(std::string_view text);

/// JSON that may stand inside a script element: ASCII, and no `<`, `>` or `&` that could end or open markup. What is
/// not a number is null.
[[nodiscard]] std::string script_json(const nlohmann::ordered_json& json);

}  // namespace itm::html
