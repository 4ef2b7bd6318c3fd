#include "io/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace itm::io {

namespace {

/// Before the parser sees the text, so that no deep tree ever grows. What is no JSON gets the parser's verdict.
void check_depth(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest_json) throw JsonError(fmt::format("is nested deeper than {} levels", deepest_json));
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

/// The number in "... number overflow parsing '1e999'".
std::string number_in(std::string_view sentence) {
  const std::size_t first = sentence.find('\'');
  const std::size_t last = sentence.rfind('\'');
  return first < last ? fmt::format(" {}", printable(sentence.substr(first + 1, last - first - 1))) : "";
}

}  // namespace

template <typename Json>
Json parse_json(std::string_view text) {
  check_depth(text);
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const typename Json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte);
    const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    throw JsonError(fmt::format("is not valid JSON (at byte {}{})", with_commas(error.byte),
                                line > 1 ? fmt::format(", in line {}", with_commas(line)) : ""));
  } catch (const typename Json::exception& error) {
    throw JsonError(fmt::format("holds the number{}, which is out of range", number_in(error.what())));
  }
}

template <typename Json>
Json parse_json(const Where& where, std::string_view text, std::string_view remedy) {
  try {
    return parse_json<Json>(text);
  } catch (const JsonError& error) {
    throw InputError(fmt::format("{}: {}; {}", where.text(), error.what(), remedy));
  }
}

template <typename Json>
Json read_json(const std::filesystem::path& file, TextKind kind, std::string_view remedy) {
  return parse_json<Json>({file, {}}, read_text(file, kind), remedy);
}

#define ITM_INSTANTIATE(Json)                                                       \
  template Json parse_json<Json>(std::string_view);                                 \
  template Json parse_json<Json>(const Where&, std::string_view, std::string_view); \
  template Json read_json<Json>(const std::filesystem::path&, TextKind, std::string_view);
ITM_INSTANTIATE(nlohmann::json)
ITM_INSTANTIATE(nlohmann::ordered_json)
#undef ITM_INSTANTIATE

}  // namespace itm::io
