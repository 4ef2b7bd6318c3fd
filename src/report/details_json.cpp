#include "report/details_json.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

bool is_number(const Json& json) { return json.is_number() || json.is_null(); }

double number_of(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

DetailValue value_of(const std::string& name, const Json& json) {
  if (json.is_boolean()) {
    return json.get<bool>();
  }
  if (json.is_number_integer()) {
    return json.get<std::int64_t>();
  }
  if (is_number(json)) {
    return number_of(json);
  }
  if (json.is_string()) {
    return json.get<std::string>();
  }
  if (json.is_object()) {
    return details_of(json);
  }
  if (std::all_of(json.begin(), json.end(), is_number)) {
    DetailValue::Numbers numbers;
    std::transform(json.begin(), json.end(), std::back_inserter(numbers), number_of);
    return numbers;
  }
  if (std::all_of(json.begin(), json.end(), [](const Json& one) { return one.is_object(); })) {
    DetailValue::Groups groups;
    std::transform(json.begin(), json.end(), std::back_inserter(groups),
                   [](const Json& one) { return details_of(one); });
    return groups;
  }
  throw InputError("the detail " + in_quotes(name) + " is a list of neither numbers nor objects");
}

}  // namespace

Json to_json(const DetailValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, double>) {
          return number_json(held);
        } else if constexpr (std::is_same_v<T, Details>) {
          return to_json(held);
        } else if constexpr (std::is_same_v<T, DetailValue::Numbers>) {
          Json list = Json::array();
          std::transform(held.begin(), held.end(), std::back_inserter(list), number_json);
          return list;
        } else if constexpr (std::is_same_v<T, DetailValue::Groups>) {
          Json list = Json::array();
          std::transform(held.begin(), held.end(), std::back_inserter(list),
                         [](const Details& one) { return to_json(one); });
          return list;
        } else {
          return held;
        }
      },
      value.value());
}

Json to_json(const Details& details) {
  Json json = Json::object();
  for (const Detail& detail : details) {
    json[detail.name] = to_json(detail.value);
  }
  return json;
}

Details details_of(const Json& json) {
  if (!json.is_object()) {
    throw InputError("details are no object");
  }
  Details details;
  for (const auto& [name, value] : json.items()) {
    details[name] = value_of(name, value);
  }
  return details;
}

}  // namespace itm
