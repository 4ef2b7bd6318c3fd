#pragma once
// A line of JSON that says whether it is as it was written: its last member is the XXH3 of everything before it. Half a
// line, a flipped bit and an edited score are all told; a person who wants to forge one can.

#include <optional>
#include <string>
#include <string_view>

#include "io/hash.hpp"

namespace itm::sweep {

inline constexpr std::string_view checksum_start = ",\"xxh3\":\"";

/// {"a":1} -> {"a":1,"xxh3":"0123456789abcdef"}.
[[nodiscard]] inline std::string with_checksum(std::string line) {
  line.pop_back();
  const std::string sum = io::short_hash_of(line);
  return line.append(checksum_start).append(sum).append("\"}");
}

/// Whether the checksum fits; nothing where there is none, as before version 0.1 wrote them.
[[nodiscard]] inline std::optional<bool> checksum_fits(std::string_view line) {
  constexpr std::size_t digits = 16;
  const std::size_t tail = checksum_start.size() + digits + 2;
  if (line.size() < tail || line.substr(line.size() - tail, checksum_start.size()) != checksum_start) {
    return std::nullopt;
  }
  const std::string_view body = line.substr(0, line.size() - tail);
  return line.substr(line.size() - tail + checksum_start.size()) == io::short_hash_of(body) + "\"}";
}

}  // namespace itm::sweep
