#include "report/scores_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "io/csv.hpp"
#include "io/input_file.hpp"
#include "io/json.hpp"
#include "io/where.hpp"
#include "report/csv_field.hpp"

namespace itm {
namespace {

using io::refuse;
using io::Where;
using AnyJson = nlohmann::json;

constexpr std::string_view accepted =
    "give the JSON or CSV that `itm rank` writes, or a CSV with the columns model,score";

// ---- JSON -----------------------------------------------------------------------------------------------------------

/// `json[key]`, of the wanted kind. `path` says where `json` stands.
const AnyJson& member(const Where& where, const AnyJson& json, const std::string& path, const char* key,
                      bool (AnyJson::*is_kind)() const noexcept, const char* kind) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (found == json.end() || !((*found).*is_kind)()) {
    refuse(where, "{}.{} is {}, not {}; {}", path, key, found == json.end() ? "missing" : found->type_name(), kind,
           accepted);
  }
  return *found;
}

std::string text_member(const Where& where, const AnyJson& json, const std::string& path, const char* key) {
  return member(where, json, path, key, &AnyJson::is_string, "text").get<std::string>();
}

void add_model(const Where& where, const std::string& place, ScoreTable& table, std::set<std::string>& seen,
               ModelScore model) {
  if (model.model.empty()) {
    refuse(where, "{}: the model has no name; name it", place);
  }
  if (!seen.insert(model.model).second) {
    refuse(where, "{}: model {} appears twice; keep one score", place, in_quotes(model.model));
  }
  table.models.push_back(std::move(model));
}

/// What a ranking says about itself beside its scores; absent and undefined (null) figures are left out.
void add_figures(const AnyJson& result, ScoreTable& table) {
  if (const auto seconds = result.find("seconds"); seconds != result.end() && seconds->is_number()) {
    table.seconds = seconds->get<double>();
  }
  if (const auto agreement = result.find("agreement"); agreement != result.end() && agreement->is_object()) {
    for (const auto& [name, value] : agreement->items()) {
      if (value.is_number()) {
        table.agreement[name] = value.get<double>();
      }
    }
  }
}

ScoreTable parse_result(const Where& where, const AnyJson& result, const std::string& path) {
  ScoreTable table;
  table.dataset = text_member(where, result, path, "dataset");
  table.method = text_member(where, result, path, "method");
  add_figures(result, table);
  std::set<std::string> seen;
  const AnyJson& models = member(where, result, path, "models", &AnyJson::is_array, "a list");
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::string place = fmt::format("{}.models[{}]", path, i);
    ModelScore model;
    model.model = text_member(where, models[i], place, "model");
    model.score = member(where, models[i], place, "score", &AnyJson::is_number, "a number").get<double>();
    const bool ranked = models[i].contains("rank");
    model.order =
        ranked ? -member(where, models[i], place, "rank", &AnyJson::is_number, "a number").get<double>() : model.score;
    if (const auto error = models[i].find("error"); error != models[i].end() && error->is_number()) {
      model.error = error->get<double>();
    }
    add_model(where, place, table, seen, std::move(model));
  }
  return table;
}

ScoresFile parse_results(const Where& where, std::string_view text) {
  const AnyJson json = io::parse_json<AnyJson>(where, text, accepted);
  const std::string schema = text_member(where, json, "$", "schema");
  if (schema != "itm.rank/1") {
    refuse(where, "has the schema {}, not 'itm.rank/1'; {}", in_quotes(schema), accepted);
  }
  ScoresFile scores{where.file, {}};
  const AnyJson& results = member(where, json, "$", "results", &AnyJson::is_array, "a list");
  for (std::size_t i = 0; i < results.size(); ++i) {
    scores.tables.push_back(parse_result(where, results[i], fmt::format("results[{}]", i)));
  }
  return scores;
}

// ---- CSV ------------------------------------------------------------------------------------------------------------

std::optional<double> finite_number(std::string_view cell) {
  double value = 0;
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = stop == cell.data() + cell.size() && error == std::errc{} && std::isfinite(value);
  return whole ? std::optional(value) : std::nullopt;
}

double require_number(const Where& where, const std::string& place, std::string_view cell, std::string_view column) {
  const std::optional<double> value = finite_number(cell);
  if (!value) {
    refuse(where, "{}: {} in the column {} is not a finite number; correct it or remove the line", place,
           in_quotes(cell), in_quotes(column));
  }
  return *value;
}

/// Tables by (data set, method) in the order in which they first appear.
class Tables {
 public:
  explicit Tables(const Where& where) : where_(where) {}

  void add(const std::string& place, const std::string& dataset, const std::string& method, ModelScore model) {
    const auto [at, is_new] = index_.try_emplace({dataset, method}, tables_.size());
    if (is_new) {
      tables_.push_back({dataset, method, {}, {}, {}});
      seen_.emplace_back();
    }
    add_model(where_, place, tables_[at->second], seen_[at->second], std::move(model));
  }
  [[nodiscard]] std::vector<ScoreTable> take() { return std::move(tables_); }

 private:
  const Where& where_;
  std::map<std::pair<std::string, std::string>, std::size_t> index_;
  std::vector<ScoreTable> tables_;
  std::vector<std::set<std::string>> seen_;
};

/// Which column holds what.
struct Header {
  std::vector<std::string> names;

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - names.begin()));
  }
  /// A column of scores named so, beside the model's: one score a line. Otherwise every other column is a data set.
  [[nodiscard]] bool is_long() const { return find("score").has_value(); }
};

void check_header(const Where& where, const io::CsvRecord& record) {
  std::set<std::string> seen;
  for (const std::string& name : record.fields) {
    if (!seen.insert(name).second) {
      refuse(where, "line {}: column {} appears twice; keep one", record.line, in_quotes(name));
    }
  }
  if (!seen.contains("model") || record.fields.size() < 2) {
    refuse(where, "line {}: there is no column of models and scores; {}", record.line, accepted);
  }
}

void add_long(const Where& where, const Header& header, const io::CsvRecord& record, Tables& tables) {
  const auto cell = [&](std::string_view column) {
    const auto at = header.find(column);
    return at ? record.fields[*at] : std::string();
  };
  const std::string place = fmt::format("line {}", record.line);
  ModelScore model{cell("model"), require_number(where, place, cell("score"), "score"), 0};
  model.order = header.find("rank") ? -require_number(where, place, cell("rank"), "rank") : model.score;
  tables.add(place, cell("dataset"), cell("method"), std::move(model));
}

void add_wide(const Where& where, const Header& header, const io::CsvRecord& record, Tables& tables) {
  const std::string& model = record.fields[*header.find("model")];
  const std::string place = fmt::format("line {}", record.line);
  for (std::size_t c = 0; c < header.names.size(); ++c) {
    if (header.names[c] == "model" || record.fields[c].empty()) {
      continue;
    }
    const double score = require_number(where, place, record.fields[c], header.names[c]);
    tables.add(place, header.names[c], "", {model, score, score});
  }
}

ScoresFile parse_csv(const Where& where, std::string_view text) {
  io::CsvRecords records(where, text);
  io::CsvRecord record;
  if (!records.next(record)) {
    refuse(where, "is empty; {}", accepted);
  }
  Header header;
  const bool headless = record.fields.size() == 2 && finite_number(record.fields[1]).has_value();
  header.names = headless ? std::vector<std::string>{"model", "score"} : record.fields;
  if (!headless) {
    check_header(where, record);
  }
  Tables tables(where);
  bool pending = headless;  // the first line is data already
  while (pending || records.next(record)) {
    pending = false;
    if (record.fields.size() != header.names.size()) {
      refuse(where, "line {}: {} cells where the first line has {}; give every line the same number of commas",
             record.line, record.fields.size(), header.names.size());
    }
    std::transform(record.fields.begin(), record.fields.end(), record.fields.begin(),
                   [](const std::string& field) { return std::string(without_csv_guard(field)); });
    (header.is_long() ? add_long : add_wide)(where, header, record, tables);
  }
  return {where.file, tables.take()};
}

}  // namespace

ScoresFile parse_scores_file(std::string_view text, const std::filesystem::path& name) {
  const Where where{name, {}};
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  ScoresFile scores = is_json ? parse_results(where, text) : parse_csv(where, text);
  std::erase_if(scores.tables, [](const ScoreTable& table) { return table.models.empty(); });
  if (scores.tables.empty()) {
    refuse(where, "holds no scores; {}", accepted);
  }
  return scores;
}

ScoresFile read_scores_file(const std::filesystem::path& file) {
  return parse_scores_file(io::read_text(file, io::TextKind::scores), file);
}

}  // namespace itm
