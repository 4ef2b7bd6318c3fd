#pragma once
// read_array() for whoever can use text as well.

#include <filesystem>
#include <string_view>

#include "itm/array.hpp"

namespace itm::io {

/// As read_array, but an array of text is no error.
[[nodiscard]] Array read_any_array(const std::filesystem::path& file, std::string_view key);

}  // namespace itm::io
