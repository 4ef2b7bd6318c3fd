#pragma once
// A result is a record: what was run, with which settings, on which data, so that it can be told apart from another and
// repeated. It goes into every JSON, CSV and page in the same way, after the command has written them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace itm {

/// The data of one data set.
struct DataIdentity {
  std::string dataset;
  std::size_t models = 0;
  std::size_t rows = 0;
  std::string fingerprint;  ///< of the names and contents of its files (io/fingerprint.hpp); empty: not readable
};

struct Record {
  std::string command;  ///< "rank"
  std::string version;
  std::string commit;  ///< of the sources, 12 digits; empty: not known
  std::string date;    ///< UTC, "2026-01-31T12:00:00Z"
  std::uint64_t seed = 0;
  /// Every option in effect, given or by default, but those that say where results go: "--method" -> its values, "zoo".
  std::vector<std::pair<std::string, std::vector<std::string>>> options;
  std::vector<DataIdentity> data;
};

/// As the member "record", the last of a JSON object.
[[nodiscard]] std::string with_record_in_json(std::string json, const Record& record);
/// As the column "record", the last one: JSON in the first line, empty in the others.
[[nodiscard]] std::string with_record_in_csv(const std::string& csv, const Record& record);
/// As a part of the page that unfolds.
[[nodiscard]] std::string with_record_in_page(std::string page, const Record& record);

/// The record of a JSON or CSV result. Throws InputError where the file has none.
[[nodiscard]] Record read_record(const std::filesystem::path& file);

}  // namespace itm
