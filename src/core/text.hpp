#pragma once
// How numbers read in sentences.

#include <cstdint>
#include <string>

namespace itm {

/// 3680 -> "3,680".
[[nodiscard]] inline std::string with_commas(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, 1, ',');
  }
  return text;
}

}  // namespace itm
