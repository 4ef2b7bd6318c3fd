#include "report/record.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "io/csv.hpp"
#include "io/input_file.hpp"
#include "io/json.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/html/html_text.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* remedy = "give the JSON or CSV of a result of this version or a later one";

Json json_of(const Record& record) {
  Json json{{"command", record.command}, {"version", record.version}, {"commit", record.commit}, {"date", record.date},
            {"seed", record.seed},       {"options", Json::object()}, {"data", Json::array()}};
  for (const auto& [name, values] : record.options) {
    json["options"][name] = values.size() == 1 ? Json(values.front()) : Json(values);
  }
  for (const DataIdentity& data : record.data) {
    json["data"].push_back(
        {{"dataset", data.dataset}, {"models", data.models}, {"rows", data.rows}, {"fingerprint", data.fingerprint}});
  }
  return json;
}

Record record_of(const Json& json) {
  Record record;
  record.command = json.at("command").get<std::string>();
  record.version = json.at("version").get<std::string>();
  record.commit = json.at("commit").get<std::string>();
  record.date = json.at("date").get<std::string>();
  record.seed = json.at("seed").get<std::uint64_t>();
  for (const auto& [name, value] : json.at("options").items()) {
    record.options.emplace_back(
        name, value.is_string() ? std::vector{value.get<std::string>()} : value.get<std::vector<std::string>>());
  }
  for (const Json& data : json.at("data")) {
    record.data.push_back({data.at("dataset").get<std::string>(), data.at("models").get<std::size_t>(),
                           data.at("rows").get<std::size_t>(), data.at("fingerprint").get<std::string>()});
  }
  return record;
}

/// The JSON of the record in a result; null where there is none.
Json find_record(const io::Where& where, std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    const Json json = io::parse_json<Json>(where, text, remedy);
    return json.contains("record") ? json["record"] : Json();
  }
  io::CsvRecords lines(where, text);
  io::CsvRecord header;
  io::CsvRecord line;
  if (!lines.next(header) || header.fields.back() != "record" || !lines.next(line) ||
      line.fields.size() != header.fields.size()) {
    return {};
  }
  return io::parse_json<Json>(where, without_csv_guard(line.fields.back()), remedy);
}

std::string fact(const std::string& name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", html::html_text(name), html::html_text(value));
}

}  // namespace

std::string with_record_in_json(std::string json, const Record& record) {
  const std::size_t end = json.find_last_of('}');
  json.erase(json.find_last_not_of(" \n", end - 1) + 1);
  const std::string member = dump(Json{{"record", json_of(record)}});  // "{\n  "record": {...}\n}\n"
  return json + "," + member.substr(1);
}

std::string with_record_in_csv(const std::string& csv, const Record& record) {
  const std::string cell =
      csv_field(json_of(record).dump(-1, ' ', false, Json::error_handler_t::replace), CsvText::raw);
  std::string out;
  std::size_t line = 0;
  for (std::size_t at = 0; at < csv.size(); ++line) {
    const std::size_t end = std::min(csv.find('\n', at), csv.size());  // our cells hold no line breaks
    out += csv.substr(at, end - at) + (line == 0 ? ",record" : line == 1 ? "," + cell : ",") + '\n';
    at = end + 1;
  }
  return out;
}

std::string with_record_in_page(std::string page, const Record& record) {
  std::string part = "<details id=\"record\"><summary>Record: what was run, and on which data</summary>\n";
  part += "<dl class=\"facts\">" + fact("command", "itm " + record.command) +
          fact("version", record.commit.empty() ? record.version : record.version + ", " + record.commit) +
          fact("date", record.date) + fact("seed", std::to_string(record.seed));
  for (const DataIdentity& data : record.data) {
    part +=
        fact(data.dataset.empty() ? "data" : "data of " + data.dataset,
             fmt::format("{} of {} rows, {}", plural(data.models, "model"), with_commas(data.rows), data.fingerprint));
  }
  part += "</dl>\n<dl class=\"facts\">";
  for (const auto& [name, values] : record.options) {
    part += fact(name, fmt::format("{}", fmt::join(values, ", ")));
  }
  part += "</dl>\n</details>\n";
  const std::size_t end = page.rfind("</main>");
  return end == std::string::npos ? page : page.insert(end, part);
}

Record read_record(const std::filesystem::path& file) {
  const io::Where where{file, {}};
  const std::string text = io::read_text(file, io::TextKind::scores);
  const Json json = find_record(where, text);
  if (json.is_null()) {
    io::refuse(where, "holds no record of how it was made; {}", remedy);
  }
  try {
    return record_of(json);
  } catch (const Json::exception&) {
    io::refuse(where, "holds a record that is not whole; {}", remedy);
  }
}

}  // namespace itm
