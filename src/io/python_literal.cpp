#include "io/python_literal.hpp"

#include <cstddef>
#include <utility>

namespace itm::io {

namespace {

constexpr int deepest_literal = 16;  // numpy nests three deep; the parser recurses

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == '\0'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(const Where& where, std::string_view text) : where_(where), text_(text) {}

  PythonLiteral parse() {
    PythonLiteral value = parse_value(0);
    skip_space();
    if (at_ != text_.size()) fail("something follows its closing brace");
    return value;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    refuse(where_, "has a damaged header ({}, at byte {}); write the file again with numpy.save", what, at_);
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  PythonLiteral parse_value(int depth) {
    if (depth > deepest_literal) fail("it is nested too deeply");
    skip_space();
    if (at_ >= text_.size()) fail("it ends too early");
    if (take('{')) return parse_dict(depth);
    if (take('(')) return parse_sequence(PythonLiteral::Kind::tuple, ')', depth);
    if (take('[')) return parse_sequence(PythonLiteral::Kind::list, ']', depth);
    PythonLiteral value;
    if (take_word("True") || take_word("False")) {
      value.kind = PythonLiteral::Kind::boolean;
      value.truth = text_[at_ - 2] == 'u';
      return value;
    }
    if (take_word("None")) return value;
    if (is_digit(text_[at_]) || text_[at_] == '-' || text_[at_] == '+') return parse_integer();
    return parse_string();
  }

  PythonLiteral parse_integer() {
    PythonLiteral value;
    value.kind = PythonLiteral::Kind::integer;
    if (text_[at_] == '-') value.text += '-';
    if (!is_digit(text_[at_])) ++at_;
    const std::size_t start = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) value.text += text_[at_++];
    if (at_ == start) fail("a sign without digits");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers like this
    return value;
  }

  PythonLiteral parse_string() {
    if (at_ + 1 < text_.size() && (text_[at_] == 'u' || text_[at_] == 'b')) ++at_;
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("an unknown value");
    ++at_;
    PythonLiteral value;
    value.kind = PythonLiteral::Kind::string;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value.text += text_[at_++];
    }
    if (at_ >= text_.size()) fail("a quote is never closed");
    ++at_;
    return value;
  }

  PythonLiteral parse_sequence(PythonLiteral::Kind kind, char close, int depth) {
    PythonLiteral value;
    value.kind = kind;
    bool comma = false;
    while (!take(close)) {
      if (!value.items.empty() && !comma) fail("a comma or a closing bracket is missing");
      value.items.push_back(parse_value(depth + 1));
      comma = take(',');
    }
    if (kind == PythonLiteral::Kind::tuple && value.items.size() == 1 && !comma) {
      return std::move(value.items.front());  // (x) is x
    }
    return value;
  }

  PythonLiteral parse_dict(int depth) {
    PythonLiteral value;
    value.kind = PythonLiteral::Kind::dict;
    bool comma = false;
    while (!take('}')) {
      if (!value.items.empty() && !comma) fail("a comma or a closing brace is missing");
      value.items.push_back(parse_value(depth + 1));
      if (!take(':')) fail("a colon is missing");
      value.items.push_back(parse_value(depth + 1));
      comma = take(',');
    }
    return value;
  }

  const Where& where_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const PythonLiteral* PythonLiteral::find(std::string_view key) const {
  const PythonLiteral* found = nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind == Kind::string && items[i].text == key) found = &items[i + 1];
  }
  return found;
}

PythonLiteral parse_python_literal(const Where& where, std::string_view text) { return Parser(where, text).parse(); }

}  // namespace itm::io
