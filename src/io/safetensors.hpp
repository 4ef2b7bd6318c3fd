#pragma once
// The .safetensors format: an 8-byte little-endian header length, a JSON header, then the bytes of all tensors.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "itm/array.hpp"

namespace itm::io {

/// The tensor `key` of a file in memory; the array refers to `bytes`, which `owner` keeps alive. Throws InputError for
/// a missing tensor, an unsupported dtype, and a header that does not describe the file byte by byte.
[[nodiscard]] Array parse_safetensors(const std::filesystem::path& file, std::span<const std::byte> bytes,
                                      std::shared_ptr<const void> owner, std::string_view key);

/// Names of the tensors, sorted.
[[nodiscard]] std::vector<std::string> parse_safetensors_keys(const std::filesystem::path& file,
                                                              std::span<const std::byte> bytes);

}  // namespace itm::io
