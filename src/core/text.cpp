#include "core/text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace itm {
namespace detail {

std::size_t utf8_length(std::string_view text) {
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

bool is_control(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first < 0x20 || first == 0x7F;
  if (first < 0xE0) {
    const bool c1 = first == 0xC2 && byte(1) < 0xA0;
    const bool arabic_letter_mark = first == 0xD8 && byte(1) == 0x9C;
    return c1 || arabic_letter_mark;
  }
  if (first != 0xE2 && first != 0xEF) return false;
  const unsigned point = (first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
  return point == 0x200E || point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

namespace {

/// Appends one character of `text`, spelled out where it must be; returns how many bytes it has.
std::size_t append_printable(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::size_t length = utf8_length(text);
  if (length > 0 && !is_control(text)) {
    out += text.substr(0, length);
    return length;
  }
  const std::size_t spelled = length == 0 ? 1 : length;
  for (std::size_t i = 0; i < spelled; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    out += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
  }
  return spelled;
}

/// Length of ESC [ digits and semicolons m at the start of `text`; 0 when there is none.
std::size_t colour_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

}  // namespace
}  // namespace detail

bool append_utf8(std::string& out, std::uint32_t point) {
  if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) {
    put(point);
    return true;
  }
  const int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr std::uint32_t leads[] = {0, 0xC0, 0xE0, 0xF0};
  put(leads[tail] | point >> (6 * tail));
  for (int i = tail - 1; i >= 0; --i) put(0x80U | (point >> (6 * i) & 0x3FU));
  return true;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "...";
    i += detail::append_printable(out, text.substr(i));
  }
  return out;
}

std::string printable_lines(std::string_view text, bool colours) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t kept = text[i] == '\n' ? 1 : colours ? detail::colour_length(text.substr(i)) : std::size_t{0};
    out += text.substr(i, kept);
    i += kept > 0 ? kept : detail::append_printable(out, text.substr(i));
  }
  return out;
}

std::string duration(double seconds) {
  const auto whole = static_cast<long>(std::ceil(seconds));
  if (whole < 60) {
    return fmt::format("{} s", whole);
  }
  if (whole < 3600) {
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  }
  return whole < 2 * 86400 ? fmt::format("{} h {} min", whole / 3600, whole / 60 % 60)
                           : fmt::format("{} days {} h", whole / 86400, whole / 3600 % 24);
}

}  // namespace itm
