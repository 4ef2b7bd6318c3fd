#pragma once
// Which data something was computed from: fingerprints of the files of a zoo's entries.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "itm/zoo.hpp"

namespace itm::io {

/// What an entry's scores are computed from: features, labels, output, source and target, as far as there are any.
[[nodiscard]] std::vector<std::filesystem::path> files_of(const ZooEntry& entry);

/// How much of a file counts.
enum class Extent : std::uint8_t {
  whole,
  sample,  ///< beyond 16 MiB its size and 64 blocks of 64 KiB, from its first to its last byte: no long read
};

/// Of the files' names and contents, each once and in any order, wherever their folder lies: 32 hexadecimal digits.
/// Throws InputError where one cannot be read.
[[nodiscard]] std::string fingerprint_of(std::vector<std::filesystem::path> files, Extent extent, int threads);

}  // namespace itm::io
