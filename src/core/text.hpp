#pragma once
// Small helpers that put numbers, names and other people's text into one clean sentence.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace itm {

/// 3680 -> "3,680".
[[nodiscard]] inline std::string with_commas(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, 1, ',');
  }
  return text;
}

/// 1, "unit" -> "1 unit"; 2 -> "2 units".
[[nodiscard]] inline std::string plural(std::uint64_t count, std::string_view noun) {
  return with_commas(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

namespace detail {

/// Length of the valid UTF-8 sequence at the start of `text`; 0 when there is none.
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  if (length == 3 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F))) return 0;
  if (length == 4 && ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F))) return 0;
  return length;
}

}  // namespace detail

/// Text from a file or a path, safe inside a one-line message: control characters and broken UTF-8 become \xNN, and
/// what goes on for more than `limit` bytes ends in "...".
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t limit = 60) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t length = detail::utf8_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

/// A path as it appears in messages.
[[nodiscard]] inline std::string path_text(const std::filesystem::path& path) {
  return printable(std::string_view(path.native()), 4096);
}

/// 'text', made printable.
[[nodiscard]] inline std::string in_quotes(std::string_view text) {
  std::string out(1, '\'');
  out += printable(text);
  out += '\'';
  return out;
}

}  // namespace itm
