#pragma once
// A result is a record: what was run, with which settings, on which data, so that it can be told apart from another and
// repeated. It goes into every JSON, CSV and page in the same way, after the command has written them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "itm/zoo.hpp"

namespace itm {

/// The data of one data set.
struct DataIdentity {
  std::string dataset;      ///< its name; empty for a single model
  std::size_t models = 0;   ///< that have features for it
  std::size_t rows = 0;     ///< of the first of them
  std::string fingerprint;  ///< of the names and contents of its files; empty: not readable, or in memory
};

/// What was run.
struct Record {
  std::string command;     ///< "rank"
  std::string version;     ///< of the library
  std::string commit;      ///< of the sources, 12 digits; empty: not known
  std::string date;        ///< UTC, "2026-01-31T12:00:00Z"
  std::uint64_t seed = 0;  ///< of every draw
  /// Every option in effect, given or by default, but those that say where results go: "--method" -> its values, "zoo".
  std::vector<std::pair<std::string, std::vector<std::string>>> options;
  std::vector<DataIdentity> data;  ///< that was read
};

/// What a record says of these data sets; the files are read. Those that cannot be read have no fingerprint.
[[nodiscard]] std::vector<DataIdentity> identify(const std::map<std::string, std::vector<ZooEntry>>& datasets,
                                                 int threads);
/// A sentence for each data set whose data are others than the record's.
[[nodiscard]] std::vector<std::string> changes_of_data(const Record& before, const std::vector<DataIdentity>& now);
/// Now, or SOURCE_DATE_EPOCH where that is set, so that two runs can be compared: "2026-01-31T12:00:00Z".
[[nodiscard]] std::string record_date();

/// As the member "record", the last of a JSON object.
[[nodiscard]] std::string with_record_in_json(std::string json, const Record& record);
/// As the column "record", the last one: JSON in the first line, empty in the others.
[[nodiscard]] std::string with_record_in_csv(const std::string& csv, const Record& record);
/// As a part of the page that unfolds.
[[nodiscard]] std::string with_record_in_page(std::string page, const Record& record);

/// The record of a JSON or CSV result. Throws InputError where the file has none.
[[nodiscard]] Record read_record(const std::filesystem::path& file);

}  // namespace itm
