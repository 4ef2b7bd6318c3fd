#include "report/agreement_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/text.hpp"

namespace itm {

nlohmann::ordered_json agreement_json(const Agreement& agreement) {
  const auto number = [](std::optional<double> value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json{{"models", agreement.models},
                              {"tau_w", number(agreement.tau_w)},
                              {"tau_w_scipy", number(agreement.tau_w_scipy)},
                              {"kendall", number(agreement.kendall)},
                              {"spearman", number(agreement.spearman)},
                              {"pearson", number(agreement.pearson)},
                              {"rel_at_1", number(agreement.rel_at_1)},
                              {"rel_at_3", number(agreement.rel_at_3)}};
  if (agreement.fixed_order) {
    json["fixed_order"] = *agreement.fixed_order;
  }
  if (agreement.tau_w_interval) {
    json["tau_w_interval"] = {agreement.tau_w_interval->low, agreement.tau_w_interval->high};
  }
  return json;
}

std::string visible_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::max<std::size_t>(detail::utf8_length(text.substr(i)), 1);
    const std::string_view character = text.substr(i, length);
    if (text[i] == '\n' || !detail::is_control(character)) {
      out += character;
    } else {
      unsigned point = static_cast<unsigned char>(character[0]) & (length == 1 ? 0x7FU : length == 2 ? 0x1FU : 0x0FU);
      for (const char c : character.substr(1)) {
        point = point << 6U | (static_cast<unsigned char>(c) & 0x3FU);
      }
      out += fmt::format("\\u{:04x}", point);
    }
    i += length;
  }
  return out;
}

}  // namespace itm
