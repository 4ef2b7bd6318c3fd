#pragma once
// A sweep scores every data set with every method under every combination of settings. Each combination is a unit; its
// finished units are kept in a journal, so that a sweep that was killed goes on where it was (docs/sweeps.md).

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/engine.hpp"
#include "itm/estimator.hpp"
#include "itm/report.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// Sets ITM's settings (batch-size, eta, ...), `seed`, `repeats`, `variant`, `arithmetic`, `drop-bad-rows` and every
/// `<method>-<name>`, by the name of the option without its dashes. Throws InputError naming setting, value and range.
void apply_setting(RankOptions& options, const std::string& name, const SettingValue& value);

/// Every setting that apply_setting() knows with the value that it has in `options`, as the command line would be given
/// it; those without a value are left out.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> settings_in_effect(const RankOptions& options);

/// Whether the setting can change what the method computes: those of a group (SettingGroup) the methods that read it,
/// `<method>-<name>` that method, seed and repeats what draws random numbers. Throws InputError for an unknown one.
[[nodiscard]] bool setting_applies(const Estimator& estimator, const std::string& name);

/// What is swept; as a file JSON of schema itm.sweep/1.
struct SweepSpec {
  std::filesystem::path zoo;                ///< folder
  std::filesystem::path truth;              ///< CSV of fine-tuned accuracies; empty: none
  std::vector<std::string> datasets;        ///< empty: all
  std::vector<std::string> methods{"itm"};  ///< "all": each that has its inputs
  /// Setting and its values; the first varies slowest.
  std::vector<std::pair<std::string, std::vector<SettingValue>>> settings;
  /// Where its parts stand in the file that it was read from, for messages: "settings/eta" -> "pets.json: line 9: ".
  std::map<std::string, std::string> places{};
};

/// Reads a spec; `zoo` and `truth` are relative to its folder. Throws InputError, also for a key that it does not know.
[[nodiscard]] SweepSpec read_sweep_spec(const std::filesystem::path& file);

/// One method on one data set under one combination of the settings that apply to it.
struct SweepUnit {
  std::size_t index = 0;                                       ///< in SweepPlan::units
  std::string dataset;                                         ///< its name
  std::string method;                                          ///< by its name
  std::vector<std::pair<std::string, SettingValue>> settings;  ///< in the order of the spec
  std::string key;  ///< canonical: {"dataset":"greek","method":"itm","settings":{"seed":1}}
};

/// A spec with all that it names found.
struct SweepPlan {
  SweepSpec spec;                    ///< as it was read
  Zoo zoo;                           ///< that it names
  std::optional<GroundTruth> truth;  ///< where it names one
  std::vector<SweepUnit> units;      ///< data set by data set, so that features stay where they are
  std::string hash;                  ///< of the units' keys
};

/// Throws InputError where a data set, method, setting or value does not exist, or a setting applies to no method.
[[nodiscard]] SweepPlan plan_sweep(SweepSpec spec);

/// A finished unit.
struct SweepRow {
  SweepUnit unit;                 ///< that was scored
  RankedDataset result;           ///< no models when none could be scored; `agreement` where there is a truth
  std::vector<Failure> failures;  ///< with keep_going
  std::vector<Failure> skipped;   ///< models without the inputs that the method reads
  double seconds = 0;             ///< wall clock
};

/// Part `index` of `count`, from 1: every count-th unit.
struct SweepShard {
  std::size_t index = 1;  ///< which part
  std::size_t count = 1;  ///< of how many
  /// Whether the unit is in this part.
  [[nodiscard]] bool has(const SweepUnit& unit) const { return unit.index % count == index - 1; }
};

/// How a sweep is run.
struct SweepOptions {
  std::filesystem::path journal;      ///< empty: nothing is kept
  int threads = 1;                    ///< for the models of a unit
  std::shared_ptr<ItmEngine> engine;  ///< serves the whole sweep; null: the CPU
  std::string backend = "cpu";        ///< what `engine` is; a journal belongs to one
  bool keep_going = false;            ///< models that fail are left out instead of ending the sweep
  SweepShard shard;                   ///< that is run
  /// Finished and all units of the shard; called first with what the journal has.
  std::function<void(std::size_t, std::size_t)> progress;
  std::function<bool()> cancelled;  ///< asked often; true ends the sweep with Interrupted
  /// Who scores the units that are missing: calls `finished`, one call at a time and in any order, as soon as a unit is
  /// done. Empty: score_unit() one after another.
  std::function<void(const std::vector<SweepUnit>& missing, const std::function<void(SweepRow)>& finished)> workers;
};

/// What a sweep found.
struct SweepReport {
  std::vector<SweepRow> rows;   ///< in plan order
  std::size_t units = 0;        ///< of the whole plan
  std::size_t resumed = 0;      ///< rows that the journal had already
  std::size_t unchecked = 0;    ///< of those, lines without a checksum: a journal of an earlier version
  double seconds = 0;           ///< wall clock of this run
  int threads = 1;              ///< that it ran on
  std::string backend = "cpu";  ///< "cpu" or "cuda"
  [[nodiscard]] std::vector<std::string> datasets() const;  ///< in plan order
  [[nodiscard]] bool has_truth() const;                     ///< whether any row has an agreement
  /// tau_w of one fixed order of the models (Agreement::fixed_order) by data set, over the most models of a row.
  [[nodiscard]] std::vector<std::pair<std::string, double>> fixed_orders() const;
};

/// Scores one unit. Throws as rank_zoo(); with keep_going, models that cannot be scored become failures of the row.
[[nodiscard]] SweepRow score_unit(const SweepPlan& plan, const SweepUnit& unit, const SweepOptions& options);

/// Scores every unit of the shard that the journal does not have. Without shards the journal may be that of a smaller
/// plan, with fewer methods or values of settings, of the same data sets. Throws InputError where the journal belongs
/// to another sweep or is in use; what was finished before an exception is in the journal.
[[nodiscard]] SweepReport run_sweep(const SweepPlan& plan, const SweepOptions& options);

/// Joins the journals of the shards, `journal`.1-of-n to n-of-n, into `journal`. Throws InputError where one belongs to
/// another sweep, and where units are missing, saying how many and of which shards.
[[nodiscard]] SweepReport merge_sweep(const SweepPlan& plan, const SweepOptions& options);

/// `journal`, or with more than one shard `journal`.i-of-n.
[[nodiscard]] std::filesystem::path shard_journal(const std::filesystem::path& journal, const SweepShard& shard);

/// A row as one line of a journal, without its line break, and back. Scores survive bit by bit; the agreement is not
/// part of it. Throws InputError where the line is no row of the plan.
///@{
[[nodiscard]] std::string to_journal_line(const SweepRow& row);
[[nodiscard]] SweepRow read_journal_line(const SweepPlan& plan, const std::string& line);
///@}

/// The rows of one method and one combination of settings other than the seed, on one data set.
struct SweepCell {
  std::size_t seeds = 0;         ///< over which figures are averaged
  std::optional<double> tau_w;   ///< mean over seeds, where defined
  std::optional<double> spread;  ///< their standard deviation (n - 1)
  std::string best;              ///< the model that came first most often; of equals the earliest
  double seconds = 0;            ///< mean
};
/// One method under one combination of settings, over all data sets and seeds.
struct SweepSummary {
  std::string method;                                          ///< by its name
  std::vector<std::pair<std::string, SettingValue>> settings;  ///< without the seed
  std::string label;                                           ///< those that differ between summaries: "eta=0.5"
  std::vector<std::pair<std::string, SweepCell>> datasets;     ///< in plan order
  std::vector<std::size_t> rows;                               ///< in SweepReport::rows
  std::optional<double> tau_w;                                 ///< mean over data sets
  double seconds = 0;                                          ///< sum over data sets of the mean over seeds
  [[nodiscard]] const SweepCell* cell(const std::string& dataset) const;  ///< null where it was not swept there
};
/// Rows that differ in seed or data set only, together; in plan order.
[[nodiscard]] std::vector<SweepSummary> summarise(const SweepReport& report);

/// Schema itm.sweep.report/1: every row with its models, and the summary.
[[nodiscard]] std::string to_json(const SweepReport& report);
/// A line per unit and model.
[[nodiscard]] std::string to_csv(const SweepReport& report, CsvText text = CsvText::guarded);
/// One self-contained page: the summary, tau_w over every setting that varies, how each model ranked, every unit.
[[nodiscard]] std::string to_html(const SweepReport& report, const HtmlOptions& options = {});
/// The summary as a person reads it.
[[nodiscard]] std::string to_table(const SweepReport& report, bool colour);

/// What a run would take, roughly: from the seconds of finished rows of the same method where there are any.
struct SweepEstimate {
  double seconds = 0;         ///< of all units that are missing, on the threads that there are
  double memory = 0;          ///< bytes at the peak, in one process
  bool from_journal = false;  ///< some seconds were measured
  std::size_t units = 0;      ///< of the shard
  std::size_t finished = 0;   ///< of those, in the journal
};
/// Of the shard, less what the journal has. Throws InputError where the journal belongs to another sweep.
[[nodiscard]] SweepEstimate estimate_sweep(const SweepPlan& plan, const SweepOptions& options);
/// The plan as a person reads it: units per data set and method, shared features, memory and time.
[[nodiscard]] std::string to_table(const SweepPlan& plan, const SweepEstimate& estimate, bool colour);
/// Schema itm.sweep.plan/1: the units and the estimate.
[[nodiscard]] std::string to_json(const SweepPlan& plan, const SweepEstimate& estimate);
/// A line per unit.
[[nodiscard]] std::string to_csv(const SweepPlan& plan, CsvText text = CsvText::guarded);

}  // namespace itm
