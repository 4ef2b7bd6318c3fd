#pragma once
// Ground-truth CSV from text in memory.

#include <filesystem>
#include <string_view>

#include "itm/zoo.hpp"

namespace itm::io {

/// See itm::read_ground_truth. `file` serves messages.
[[nodiscard]] GroundTruth parse_ground_truth(const std::filesystem::path& file, std::string_view text);

}  // namespace itm::io
