#include "io/json_lines.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "io/json.hpp"

namespace itm::io {
namespace {

class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  std::map<std::string, std::size_t> lines() {
    value("");
    return std::move(lines_);
  }

 private:
  [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    for (; next() == ' ' || next() == '\t' || next() == '\r' || next() == '\n'; ++at_) {
      line_ += next() == '\n' ? 1 : 0;
    }
  }

  /// The text in quotes that begins here, with its quotes.
  std::string_view quoted() {
    const std::size_t start = at_++;
    while (next() != '"' && next() != '\0') {
      at_ += next() == '\\' ? 2 : 1;
    }
    ++at_;
    return text_.substr(start, at_ - start);
  }

  void value(const std::string& path) {
    skip_space();
    lines_.emplace(path, line_);  // of a member its key's line is there already
    if (next() == '{' || next() == '[') {
      members(path);
    } else if (next() == '"') {
      (void)quoted();
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
  }

  void members(const std::string& path) {
    const bool keyed = text_[at_++] == '{';
    const std::string start = path.empty() ? "" : path + '/';
    for (std::size_t i = 0;; ++i) {
      skip_space();
      if (next() == '}' || next() == ']' || next() == '\0') {
        ++at_;
        return;
      }
      std::string name = start + std::to_string(i);
      if (keyed) {
        name = start + parse_json<nlohmann::json>(quoted()).get<std::string>();
        lines_.emplace(name, line_);
        skip_space();
        ++at_;  // the colon
      }
      value(name);
      skip_space();
      at_ += next() == ',' ? 1 : 0;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::map<std::string, std::size_t> lines_;
};

}  // namespace

std::map<std::string, std::size_t> lines_of_json(std::string_view text) { return Walk(text).lines(); }

}  // namespace itm::io
