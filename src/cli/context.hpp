#pragma once
// What every command shares: its common options, where its result goes, and how it speaks to the person.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.hpp"
#include "cli/file_roles.hpp"
#include "cli/progress.hpp"
#include "cli/recording.hpp"
#include "itm/estimator.hpp"
#include "itm/report.hpp"
#include "itm/zoo.hpp"
#include "report/paint.hpp"

namespace itm::cli {

enum class Format : std::uint8_t { table, json, csv };

class Context {
 public:
  std::uint64_t seed = 0;
  int threads = 1;  ///< default: the cores that this process may use
  Backend backend = Backend::automatic;
  bool quiet = false;
  bool verbose = false;

  Context();

  /// Adds --format, --out, --force, --raw-csv, --seed, --threads, --backend, --quiet, --verbose.
  void add_options(CLI::App& app);
  /// After parsing, before any work: the log level, and whether --out can be written at all. `command` is the one that
  /// runs, for the record of its result. Throws InputError.
  void prepare(const CLI::App& command);

  /// --format, else what the ending of --out says, else a table.
  [[nodiscard]] Format format() const;
  /// How names stand in CSV: --raw-csv.
  [[nodiscard]] CsvText csv_text() const { return raw_csv_ ? CsvText::raw : CsvText::guarded; }
  /// --force: older files may be replaced.
  [[nodiscard]] bool force() const { return force_; }
  /// --out; empty for standard output.
  [[nodiscard]] const std::filesystem::path& out() const { return out_; }
  /// What one of three functions returns, as format() says; the others are not called.
  template <typename Json, typename Csv, typename Table>
  [[nodiscard]] std::string in_format(const Json& json, const Csv& csv, const Table& table) const {
    switch (format()) {
      case Format::json:
        return json();
      case Format::csv:
        return csv();
      case Format::table:
        break;
    }
    return table();
  }
  /// Every file that the command reads or writes, --out apart, is named here before the work: what it writes never
  /// replaces what it reads. As FileRoles; throw InputError.
  void reads(std::string_view role, const std::filesystem::path& file) const { files_.reads(role, file); }
  /// All files of the zoo's entries.
  void reads(const Zoo& zoo) const;
  /// What the result is computed from, for its record: these data sets of the zoo; none: all.
  void computes_from(const Zoo& zoo, const std::vector<std::string>& datasets = {}) const;
  /// The data as the record identifies them. Reads their files when it is asked first.
  [[nodiscard]] const std::vector<DataIdentity>& data() const;
  void writes(std::string_view option, const std::filesystem::path& file) const { files_.writes(option, file); }
  /// Where the journal is there already, the command goes on from it, and its results replace those of before.
  void keeps_journal(const std::filesystem::path& file) const;
  /// Colour for the result: only a table on a terminal whose owner did not set NO_COLOR.
  [[nodiscard]] Paint paint() const;
  /// The one place where a result leaves a command: standard output, or --out, whole or not at all. JSON gets the
  /// record of the run, and CSV and pages too where they were computed from a zoo's data. Throws Interrupted when the
  /// person pressed Ctrl-C meanwhile, InputError when it cannot be written.
  void write(std::string_view result) const;
  /// The same with a page in a file of its own; no path, no page.
  void write(std::string_view result, const std::filesystem::path& html, std::string_view page) const;

  /// The engine that --backend stands for; null is the CPU's. `auto` falls back to the CPU and says so; throws
  /// DeviceError where `cuda` asks for what is not there.
  [[nodiscard]] std::shared_ptr<ItmEngine> engine(const EngineOptions& options = {}) const;
  /// What the common options say to a ranking by these methods: seed, threads, device and, where one of them runs
  /// there, its engine. Throws InputError for an unknown method, DeviceError as engine() does and where --backend cuda
  /// is asked of a method without a GPU path.
  void fill(RankOptions& options, MethodList methods, const EngineOptions& engine = {}) const;
  /// A page that a command writes itself, with the record.
  [[nodiscard]] std::string recorded(std::string page) const;
  /// A bar on standard error while it is a terminal and --quiet was not given.
  [[nodiscard]] std::unique_ptr<Progress> progress(const std::string& label) const;

 private:
  /// The results can be written where they are to go, and replace nothing unasked. Throws InputError.
  void require_targets() const;
  void say_what_was_written(const std::filesystem::path& file) const;

  [[nodiscard]] Record record() const;

  const CLI::App* command_ = nullptr;
  std::optional<Format> format_;
  std::filesystem::path out_;
  bool raw_csv_ = false;
  bool force_ = false;
  mutable std::map<std::string, std::vector<ZooEntry>> datasets_;  ///< computes_from()
  mutable std::optional<std::vector<DataIdentity>> data_;
  mutable FileRoles files_;  ///< commands see the context as const; what they name here changes no result
};

}  // namespace itm::cli
