// A finished unit as one line of JSON, and back.

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/json.hpp"
#include "itm/error.hpp"
#include "itm/sweep.hpp"
#include "report/details_json.hpp"
#include "report/place_text.hpp"
#include "sweep/checked_line.hpp"
#include "sweep/failures_json.hpp"
#include "sweep/unit_index.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no infinity; a number is written so that it reads back as the same double.
Json number_json(double value) {
  return std::isfinite(value) ? Json(value) : Json(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

double number_of(const Json& json) {
  if (json.is_number()) {
    return json.get<double>();
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto& word = json.get_ref<const std::string&>();
  return word == "inf" ? infinity : word == "-inf" ? -infinity : std::numeric_limits<double>::quiet_NaN();
}

Json model_json(const ScoredModel& model) {
  Json json{{"model", model.model},
            {"score", number_json(model.score)},
            {"tie_break", number_json(model.tie_break)},
            {"rank", model.rank},
            {"seconds", model.seconds}};
  if (!model.note.empty()) {
    json["note"] = model.note;
  }
  json["details"] = to_json(model.details);
  return json;
}

ScoredModel model_of(const Json& json) {
  ScoredModel model;
  model.model = json.at("model").get<std::string>();
  model.score = number_of(json.at("score"));
  model.tie_break = number_of(json.at("tie_break"));
  model.rank = json.at("rank").get<int>();
  model.seconds = json.at("seconds").get<double>();
  model.note = json.value("note", "");
  model.details = details_of(json.at("details"));
  return model;
}

std::vector<Failure> failures_of(const Json& json, const SweepUnit& unit) {
  std::vector<Failure> failures;
  for (const Json& failure : json) {
    failures.push_back(
        {unit.dataset, failure.at("model").get<std::string>(), unit.method, failure.at("message").get<std::string>()});
  }
  return failures;
}

/// `unit_of` finds the unit that the line's JSON is of.
template <typename UnitOf>
SweepRow read_row(const std::string& line, UnitOf unit_of) {
  if (!sweep::checksum_fits(line).value_or(true)) {
    throw InputError("its checksum does not fit");
  }
  try {
    const auto json = io::parse_json<Json>(line);
    SweepRow row;
    row.unit = unit_of(json);
    row.seconds = json.at("seconds").get<double>();
    row.result.dataset = row.unit.dataset;
    row.result.method = row.unit.method;
    row.result.place = place_of(json);
    for (const Json& model : json.at("models")) {
      row.result.models.push_back(model_of(model));
      row.result.seconds += row.result.models.back().seconds;
    }
    row.failures = failures_of(json.at("failures"), row.unit);
    row.skipped = failures_of(json.at("skipped"), row.unit);
    return row;
  } catch (const io::JsonError& error) {
    throw InputError(fmt::format("it {}", error.what()));
  } catch (const Json::exception&) {
    throw InputError("the line is no finished unit");
  }
}

}  // namespace

std::string to_journal_line(const SweepRow& row) {
  Json json{{"unit", row.unit.index}, {"key", io::parse_json<Json>(row.unit.key)}, {"seconds", row.seconds}};
  add_place(json, row.result.place);
  json["models"] = Json::array();
  for (const ScoredModel& model : row.result.models) {
    json["models"].push_back(model_json(model));
  }
  json["failures"] = sweep::failures_json(row.failures);
  json["skipped"] = sweep::failures_json(row.skipped);
  return sweep::with_checksum(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

SweepRow read_journal_line(const SweepPlan& plan, const std::string& line) {
  return read_row(line, [&](const Json& json) -> const SweepUnit& {
    const auto index = json.at("unit").get<std::size_t>();
    if (index >= plan.units.size() || json.at("key") != io::parse_json<Json>(plan.units[index].key)) {
      throw InputError(fmt::format("there is no unit {} with this key in the plan", index));
    }
    return plan.units[index];
  });
}

SweepRow sweep::read_line_of_grown(const UnitIndex& units, const std::string& line) {
  return read_row(line, [&](const Json& json) -> const SweepUnit& {
    const std::string key = json.at("key").dump(-1, ' ', false, Json::error_handler_t::replace);
    const SweepUnit* unit = units.find(key);
    if (unit == nullptr) {
      throw UnknownUnit(fmt::format("the plan has no unit {}", key));
    }
    return *unit;
  });
}

}  // namespace itm
