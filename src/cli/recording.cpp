#include "cli/recording.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/build_facts.hpp"
#include "core/text.hpp"
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

Record record_of(const CLI::App& command, std::uint64_t seed) {
  Record record{command.get_name(), ITM_VERSION, build_facts().commit, record_date(), seed, {}, {}};
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

}  // namespace itm::cli
