#include "cli/recording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <set>

#include "core/text.hpp"
#include "io/fingerprint.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

/// Where a result goes and how it looks is no part of what was computed.
bool is_of_output(const std::string& name) {
  static const std::set<std::string> names{"--out",     "--html",  "--format",  "--force", "--raw-csv",
                                           "--quiet",   "--from",  "--verbose", "--help",  "--help-all",
                                           "--journal", "--shard", "--out-dir"};
  return names.contains(name);
}

/// Nor how much of a machine it took, which another one may not have.
bool is_of_machine(const std::string& name) {
  return name == "--threads" || name == "--device" || name == "--memory-budget";
}

std::string now() {
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

DataIdentity identify(const std::string& dataset, const std::vector<ZooEntry>& entries, int threads) {
  DataIdentity data{dataset, entries.size(), 0, ""};
  std::vector<std::filesystem::path> files;
  for (const ZooEntry& entry : entries) {
    const std::vector<std::filesystem::path> more = io::files_of(entry);
    files.insert(files.end(), more.begin(), more.end());
  }
  try {
    data.fingerprint = io::fingerprint_of(std::move(files), io::Extent::sample, threads);
    data.rows = entries.front().feature.rows();
  } catch (const InputError&) {  // of a model that --keep-going left out
  }
  return data;
}

void repeat(CLI::App& app, const std::filesystem::path& file, const Record& record) {
  if (record.command != app.get_name()) {
    throw InputError(fmt::format("--from {}: is a result of itm {}; give one of itm {}", path_text(file),
                                 printable(record.command), app.get_name()));
  }
  for (const auto& [name, values] : record.options) {
    CLI::Option* option = app.get_option_no_throw(name);
    if (option == nullptr) {
      throw InputError(
          fmt::format("--from {}: was made by itm {} with {}, which this one ({}) does not know; use that one",
                      path_text(file), printable(record.version), printable(name), ITM_VERSION));
    }
    if (option->count() == 0 && !is_of_machine(name) && !is_of_output(name)) {
      option->add_result(values);
      option->run_callback();
    }
  }
}

}  // namespace

std::string_view source_commit() { return ITM_COMMIT; }

std::vector<DataIdentity> identify(const std::map<std::string, std::vector<ZooEntry>>& datasets, int threads) {
  std::vector<DataIdentity> data;
  data.reserve(datasets.size());
  for (const auto& [dataset, entries] : datasets) {
    data.push_back(identify(dataset, entries, threads));
  }
  return data;
}

Record record_of(const CLI::App& command, std::uint64_t seed) {
  Record record{command.get_name(), ITM_VERSION, ITM_COMMIT, now(), seed, {}, {}};
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    std::vector<std::string> values = option->results();
    if (values.empty() && !option->get_default_str().empty()) {
      values.push_back(option->get_default_str());
    }
    if (!values.empty() && !is_of_output(name)) {
      record.options.emplace_back(name, std::move(values));
    }
  }
  return record;
}

void add_from(CLI::App& app, Record& record) {
  app.add_option_function<std::string>(
         "--from",
         [&app, &record](const std::string& file) {
           record = read_record(file);
           repeat(app, file, record);
         },
         "Repeat the run that this JSON or CSV came from; options given beside it win")
      ->type_name("RESULT");
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

}  // namespace itm::cli
