#pragma once
// The paper's ablations of ITM, on any zoo: sweeps whose result is one figure per combination of settings, the tau_w
// that the combination reaches on average over data sets.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/report.hpp"
#include "itm/sweep.hpp"

namespace itm {

/// A setting and the values that it takes.
using SettingValues = std::pair<std::string, std::vector<SettingValue>>;

/// One of the paper's questions: settings that are varied together, and how they are laid out.
struct Ablation {
  std::string name;                      ///< on the command line: "batch-size"
  std::string description;               ///< one line
  std::string paper;                     ///< where the paper has it; empty: it has not
  std::vector<SettingValues> rows;       ///< their combinations, the first varying slowest
  std::optional<SettingValues> columns;  ///< crossed with the rows
  std::size_t seeds = 3;                 ///< by default
};

/// All ablations, in the order in which they are listed.
[[nodiscard]] const std::vector<Ablation>& ablations();
/// Throws InputError naming the ablations that exist.
[[nodiscard]] const Ablation& find_ablation(const std::string& name);

/// What an ablation is run on.
struct AblationInput {
  std::filesystem::path zoo;                                     ///< folder of the zoo
  std::filesystem::path truth;                                   ///< CSV of fine-tuned accuracies
  std::vector<std::string> datasets{};                           ///< empty: all
  std::uint64_t first_seed = 0;                                  ///< of every cell
  std::size_t seeds = 3;                                         ///< first_seed, first_seed + 1, ...
  std::vector<std::pair<std::string, SettingValue>> settings{};  ///< other than their defaults, in every cell
};

/// The ablation with these values of its first setting instead of its own. Throws InputError for one that the setting
/// does not take.
[[nodiscard]] Ablation with_values(Ablation ablation, const std::vector<std::string>& values);
/// Without batches of more rows than that, but with the smallest.
[[nodiscard]] Ablation with_batches_up_to(Ablation ablation, std::size_t rows);

/// The sweep behind an ablation. Throws InputError where a setting is one that the ablation varies.
[[nodiscard]] SweepSpec sweep_of(const Ablation& ablation, const AblationInput& input);

/// One combination of settings.
struct AblationCell {
  std::vector<double> tau_w;                             ///< one per seed: mean over data sets
  std::vector<std::pair<std::string, double>> datasets;  ///< mean over seeds
  double seconds = 0;                                    ///< of work per model
  /// Of tau_w over seeds; nothing where there is none.
  [[nodiscard]] std::optional<double> mean() const;
  [[nodiscard]] std::optional<double> spread() const;  ///< standard deviation over seeds (n - 1)
};

/// What an ablation found.
struct AblationReport {
  Ablation ablation;                                         ///< that was run
  std::vector<std::string> rows;                             ///< "standardise=dim adaptive=on"
  std::vector<std::string> columns;                          ///< "100"; one empty text where nothing is crossed
  std::vector<std::vector<AblationCell>> cells;              ///< [row][column]
  std::vector<std::string> datasets;                         ///< over which tau_w is averaged
  std::vector<std::pair<std::string, double>> fixed_orders;  ///< see SweepReport::fixed_orders()
  std::size_t seeds = 0;                                     ///< of every cell
  std::size_t models = 0;                                    ///< of the largest data set
  double seconds = 0;                                        ///< wall clock
  std::size_t resumed = 0;                                   ///< rankings that the journal had already
  int threads = 1;                                           ///< that it ran on
  std::string backend = "cpu";                               ///< "cpu" or "cuda"
};

/// Throws InputError where no data set has a tau_w.
[[nodiscard]] AblationReport summarise(const Ablation& ablation, const SweepReport& report);

/// Schema itm.ablation/1.
[[nodiscard]] std::string to_json(const AblationReport& report);
/// A line per cell and seed.
[[nodiscard]] std::string to_csv(const AblationReport& report, CsvText text = CsvText::guarded);
/// A line per combination, as a person reads it.
[[nodiscard]] std::string to_table(const AblationReport& report, bool colour);
/// One self-contained page with the table and the plots; see to_html(RankReport).
[[nodiscard]] std::string to_html(const AblationReport& report, const HtmlOptions& options = {});

}  // namespace itm
