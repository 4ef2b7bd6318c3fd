#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "itm/report.hpp"

namespace itm::sweep {

/// Models and messages, the same in journals and reports.
[[nodiscard]] inline nlohmann::ordered_json failures_json(const std::vector<Failure>& failures) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Failure& failure : failures) {
    json.push_back({{"model", failure.model}, {"message", failure.message}});
  }
  return json;
}

}  // namespace itm::sweep
