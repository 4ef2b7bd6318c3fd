#pragma once
// The record of a run, from its command line and the data that it read, and a run from a record.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "itm/zoo.hpp"
#include "report/record.hpp"

namespace itm::cli {

/// Of the sources that this was built from; empty where they were no git repository.
[[nodiscard]] std::string_view source_commit();

/// What a record says of these data sets; the files are read. Those that cannot be read have no fingerprint.
[[nodiscard]] std::vector<DataIdentity> identify(const std::map<std::string, std::vector<ZooEntry>>& datasets,
                                                 int threads);

/// Everything but the data. The date is SOURCE_DATE_EPOCH where that is set, so that two runs can be compared.
[[nodiscard]] Record record_of(const CLI::App& command, std::uint64_t seed);

/// Adds --from: options that the command line does not give are those of a result's record, those of the machine apart.
/// `record` becomes that record. To be called after all other options of the command were added but those of every
/// command.
void add_from(CLI::App& app, Record& record);

/// A sentence for each data set whose data are others than the record's.
[[nodiscard]] std::vector<std::string> changes_of_data(const Record& before, const std::vector<DataIdentity>& now);

}  // namespace itm::cli
