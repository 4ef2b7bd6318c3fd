#include "itm/record.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/text.hpp"
#include "io/csv.hpp"
#include "io/fingerprint.hpp"
#include "io/input_file.hpp"
#include "io/json.hpp"
#include "itm/error.hpp"
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

DataIdentity identify(const std::string& dataset, const std::vector<ZooEntry>& entries, int threads) {
  DataIdentity data{dataset, entries.size(), 0, ""};
  std::vector<std::filesystem::path> files;
  for (const ZooEntry& entry : entries) {
    const std::vector<std::filesystem::path> more = io::files_of(entry);
    files.insert(files.end(), more.begin(), more.end());
  }
  try {
    data.rows = entries.front().feature.rows();
    data.fingerprint = io::fingerprint_of(std::move(files), io::Extent::sample, threads);
  } catch (const InputError&) {  // of a model that --keep-going left out
  }
  return data;
}

}  // namespace

std::vector<DataIdentity> identify(const std::map<std::string, std::vector<ZooEntry>>& datasets, int threads) {
  std::vector<DataIdentity> data;
  data.reserve(datasets.size());
  for (const auto& [dataset, entries] : datasets) {
    data.push_back(identify(dataset, entries, threads));
  }
  return data;
}

std::vector<std::string> changes_of_data(const Record& before, const std::vector<DataIdentity>& now) {
  std::vector<std::string> changes;
  for (const DataIdentity& data : now) {
    const auto same = std::find_if(before.data.begin(), before.data.end(),
                                   [&](const DataIdentity& other) { return other.dataset == data.dataset; });
    if (same != before.data.end() && same->fingerprint != data.fingerprint) {
      changes.push_back(fmt::format("{}: features or labels are others than those of {}", printable(data.dataset, 200),
                                    printable(before.date)));
    }
  }
  return changes;
}

std::string record_date() {
  std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH"); fixed != nullptr) {
    const std::string_view text = fixed;
    (void)std::from_chars(text.data(), text.data() + text.size(), seconds);
  }
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text, length};
}

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
