#pragma once
// Where a result was computed, in JSON, CSV and on pages.

#include <nlohmann/json.hpp>
#include <string>

#include "itm/report.hpp"
#include "report/csv_field.hpp"

namespace itm {

inline void add_place(nlohmann::ordered_json& json, const Place& place) {
  json["backend"] = place.backend;
  json["device"] = place.device;
  json["precision"] = place.precision;
}

/// The cells of the columns backend,device,precision.
[[nodiscard]] inline std::string place_csv(const Place& place, CsvText text) {
  return csv_field(place.backend, text) + ',' + csv_field(place.device, text) + ',' + csv_field(place.precision, text);
}

/// "float32 on NVIDIA H100"; empty where the device is not known.
[[nodiscard]] inline std::string place_text(const Place& place) {
  return place.device.empty() ? "" : place.precision + " on " + place.device;
}

/// As add_place() wrote it; results from before it did are the CPU's.
[[nodiscard]] inline Place place_of(const nlohmann::ordered_json& json) {
  return {json.value("backend", "cpu"), json.value("device", ""), json.value("precision", "")};
}

}  // namespace itm
