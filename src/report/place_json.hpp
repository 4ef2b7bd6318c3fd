#pragma once
// Where a result was computed, in JSON.

#include <nlohmann/json.hpp>

#include "itm/report.hpp"

namespace itm {

inline void add_place(nlohmann::ordered_json& json, const Place& place) {
  json["backend"] = place.backend;
  json["device"] = place.device;
  json["precision"] = place.precision;
}

/// As add_place() wrote it; results from before it did are the CPU's.
[[nodiscard]] inline Place place_of(const nlohmann::ordered_json& json) {
  return {json.value("backend", "cpu"), json.value("device", ""), json.value("precision", "")};
}

}  // namespace itm
