#include "report/html/details.hpp"

#include <cmath>
#include <set>

#include "report/details_json.hpp"

namespace itm::html {
namespace {

using Json = nlohmann::ordered_json;

std::optional<double> finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

bool is_shown(const DetailValue& value) {
  return value.is_scalar() && (!value.number() || std::isfinite(*value.number()));
}

}  // namespace

std::optional<double> ModelDetails::number(std::size_t model, const std::string& key) const {
  return finite(models_.at(model).details.number(key));
}

bool ModelDetails::has_number(const std::string& key) const {
  for (std::size_t model = 0; model < size(); ++model) {
    if (number(model, key)) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> ModelDetails::scalar_keys() const {
  std::vector<std::string> keys;
  std::set<std::string> known;
  for (const ScoredModel& model : models_) {
    for (const Detail& detail : model.details) {
      if (is_shown(detail.value) && known.insert(detail.name).second) {
        keys.push_back(detail.name);
      }
    }
  }
  return keys;
}

Json ModelDetails::scalar(std::size_t model, const std::string& key) const {
  const DetailValue* value = models_.at(model).details.find(key);
  return value != nullptr && is_shown(*value) ? to_json(*value) : Json(nullptr);
}

std::vector<Json> ModelDetails::series(std::size_t model, const std::string& key, const std::string& field) const {
  std::vector<Json> values;
  const DetailValue* value = models_.at(model).details.find(key);
  const auto* groups = value == nullptr ? nullptr : value->as<DetailValue::Groups>();
  if (groups != nullptr) {
    for (const Details& point : *groups) {
      const std::optional<double> given = finite(point.number(field));
      values.push_back(given ? Json(*given) : Json(nullptr));
    }
  }
  return values;
}

}  // namespace itm::html
