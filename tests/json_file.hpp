#pragma once
// A JSON file of the golden data.

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace itm::testing {

/// Throws what the parser throws, also where there is no such file.
[[nodiscard]] inline nlohmann::json read_json(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return nlohmann::json::parse(stream);
}

}  // namespace itm::testing
