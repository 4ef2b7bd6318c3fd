#pragma once
// Colour on a terminal, plain text elsewhere.

#include <string>
#include <string_view>

namespace itm {

struct Paint {
  bool on = false;

  [[nodiscard]] std::string bold(std::string_view text) const { return wrap("\x1b[1m", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return wrap("\x1b[2m", text); }
  [[nodiscard]] std::string good(std::string_view text) const { return wrap("\x1b[32m", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return wrap("\x1b[31m", text); }

 private:
  [[nodiscard]] std::string wrap(std::string_view start, std::string_view text) const {
    return on ? std::string(start) + std::string(text) + "\x1b[0m" : std::string(text);
  }
};

}  // namespace itm
