#pragma once
// What the two archive formats say alike.

#include <string>
#include <string_view>
#include <vector>

#include "io/where.hpp"

namespace itm::io {

/// Refuses an archive without `key`, naming the keys it has and how to write one that fits.
[[noreturn]] void refuse_missing_key(const Where& where, std::string_view key, const std::vector<std::string>& present,
                                     std::string_view remedy);

}  // namespace itm::io
