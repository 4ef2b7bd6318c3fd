#pragma once
// Where the parts of a JSON text stand, so that a message can name the line.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace itm::io {

/// Lines, from 1, of everything in a JSON text, by its path: "settings/eta" is where that key stands, "methods/1" the
/// second of a list. The text must be valid, as parse_json() leaves it.
[[nodiscard]] std::map<std::string, std::size_t> lines_of_json(std::string_view text);

}  // namespace itm::io
