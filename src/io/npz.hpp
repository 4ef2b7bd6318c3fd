#pragma once
// The .npz format: a zip archive whose members are .npy files, stored (numpy.savez) or deflated (savez_compressed).

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "itm/array.hpp"

namespace itm::io {

/// Unpacks the member `key`.npy into memory. Memory grows with what really comes out of the archive, never with what
/// its headers claim. Throws InputError for a missing member, a broken archive, and a member that is not what it
/// claims.
[[nodiscard]] Array read_npz(const std::filesystem::path& file, std::string_view key);
/// The same for an archive in memory; `file` serves messages.
[[nodiscard]] Array parse_npz(const std::filesystem::path& file, std::span<const std::byte> bytes,
                              std::string_view key);

/// Rows of a member, from its header alone.
[[nodiscard]] std::size_t npz_rows(const std::filesystem::path& file, std::string_view key);

/// Names of the .npy members without the suffix, sorted.
[[nodiscard]] std::vector<std::string> npz_keys(const std::filesystem::path& file);
[[nodiscard]] std::vector<std::string> parse_npz_keys(const std::filesystem::path& file,
                                                      std::span<const std::byte> bytes);

}  // namespace itm::io
