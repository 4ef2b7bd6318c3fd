#pragma once
// Fingerprints by XXH3 with 128 bits: at memory speed, and no two contents that meet in practice share one. It is no
// defence against somebody who wants a collision.

#include <filesystem>
#include <string>
#include <string_view>

namespace itm::io {

/// 32 hexadecimal digits.
[[nodiscard]] std::string hash_of(std::string_view text);
/// 16 hexadecimal digits: enough to tell that a line was damaged.
[[nodiscard]] std::string short_hash_of(std::string_view text);
/// Of a file's bytes. Throws InputError when it cannot be read.
[[nodiscard]] std::string hash_of_file(const std::filesystem::path& file);
/// Of a file of up to 16 MiB the same; of a larger one that of its size and 64 blocks of 64 KiB, from its first to its
/// last byte.
[[nodiscard]] std::string hash_of_sample(const std::filesystem::path& file);

}  // namespace itm::io
