#pragma once
// The spec of a sweep from text in memory.

#include <filesystem>
#include <string_view>

#include "itm/sweep.hpp"

namespace itm::sweep {

/// See itm::read_sweep_spec. `file` serves messages, and its folder is where relative names start.
[[nodiscard]] SweepSpec parse_spec(const std::filesystem::path& file, std::string_view text);

}  // namespace itm::sweep
