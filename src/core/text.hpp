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
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// Whether the valid sequence at the start of `text` plays with whoever shows it instead of being seen: control
/// characters (C0, DEL, C1), line separators, and marks that turn the direction of writing.
[[nodiscard]] bool is_control(std::string_view text);

}  // namespace detail

/// Appends a code point in UTF-8; false, and nothing, where it is none.
bool append_utf8(std::string& out, std::uint32_t point);

/// Text from a file or a path, safe inside a one-line message: control characters and broken UTF-8 become \xNN, and
/// what goes on for more than `limit` bytes ends in "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 60);

/// Whole lines of text as a terminal may show them: all but line breaks and, with `colours`, what sets colours (SGR) is
/// made printable.
[[nodiscard]] std::string printable_lines(std::string_view text, bool colours);

/// "12 s", "3 min 4 s", "2 h 5 min", "3 days 4 h"; seconds are rounded up.
[[nodiscard]] std::string duration(double seconds);

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
