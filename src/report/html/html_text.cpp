#include "report/html/html_text.hpp"

#include <string>

#include "core/text.hpp"

namespace itm::html {

std::string html_text(std::string_view text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = detail::utf8_length(text.substr(i));
    if (length == 0 || detail::is_control(text.substr(i))) {
      out += replacement;
      i += length == 0 ? 1 : length;
      continue;
    }
    switch (text[i]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

namespace {

/// What detail::is_control() says of the character, but for a line break.
bool is_unseen(unsigned long point) {
  std::string utf8;
  if (point < 0x80) {
    utf8 = {static_cast<char>(point)};
  } else if (point < 0x800) {
    utf8 = {static_cast<char>(0xC0U | point >> 6U), static_cast<char>(0x80U | (point & 0x3FU))};
  } else {
    utf8 = {static_cast<char>(0xE0U | point >> 12U), static_cast<char>(0x80U | (point >> 6U & 0x3FU)),
            static_cast<char>(0x80U | (point & 0x3FU))};
  }
  return point != '\n' && detail::is_control(utf8);
}

}  // namespace

std::string script_json(const nlohmann::ordered_json& json) {
  const std::string text = json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {    // in JSON these stand inside strings only
      case '\\': {  // with one or five more characters
        const std::size_t length = text[i + 1] == 'u' ? 6 : 2;
        const std::string escape = text.substr(i, length);
        out += length == 6 && is_unseen(std::stoul(escape.substr(2), nullptr, 16)) ? "\\ufffd" : escape;
        i += length - 1;
        break;
      }
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace itm::html
