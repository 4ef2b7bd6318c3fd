#include "report/html/details.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace itm::html {
namespace {

using Json = nlohmann::ordered_json;

bool is_finite_number(const Json& json) { return json.is_number() && std::isfinite(json.get<double>()); }

bool is_scalar(const Json& json) { return is_finite_number(json) || json.is_string() || json.is_boolean(); }

}  // namespace

Details::Details(const RankedDataset& result) {
  of_.reserve(result.models.size());
  for (const ScoredModel& model : result.models) {
    Json details = Json::parse(model.details, nullptr, /*allow_exceptions=*/false);
    of_.push_back(details.is_object() ? std::move(details) : Json::object());
  }
}

std::optional<double> Details::number(std::size_t model, const char* key) const {
  const auto found = of_.at(model).find(key);
  return found != of_.at(model).end() && is_finite_number(*found) ? std::optional(found->get<double>()) : std::nullopt;
}

bool Details::has_number(const char* key) const {
  for (std::size_t model = 0; model < of_.size(); ++model) {
    if (number(model, key)) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> Details::scalar_keys() const {
  std::vector<std::string> keys;
  std::set<std::string> known;
  for (const Json& details : of_) {
    for (const auto& [key, value] : details.items()) {
      if (is_scalar(value) && known.insert(key).second) {
        keys.push_back(key);
      }
    }
  }
  return keys;
}

Json Details::scalar(std::size_t model, const std::string& key) const {
  const auto found = of_.at(model).find(key);
  return found != of_.at(model).end() && is_scalar(*found) ? *found : Json(nullptr);
}

std::vector<Json> Details::series(std::size_t model, const char* key, const char* field) const {
  std::vector<Json> values;
  const auto found = of_.at(model).find(key);
  if (found == of_.at(model).end() || !found->is_array()) {
    return values;
  }
  for (const Json& point : *found) {
    const bool given = point.is_object() && point.contains(field) && is_finite_number(point[field]);
    values.push_back(given ? point[field] : Json(nullptr));
  }
  return values;
}

}  // namespace itm::html
