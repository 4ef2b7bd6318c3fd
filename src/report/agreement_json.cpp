#include "report/agreement_json.hpp"

#include <optional>

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
  if (agreement.tau_w_interval) {
    json["tau_w_interval"] = {agreement.tau_w_interval->low, agreement.tau_w_interval->high};
  }
  return json;
}

std::string dump(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace itm
