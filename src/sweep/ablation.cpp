// The ablations as sweeps of ITM, and their rows gathered by combination of settings.

#include "itm/ablation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/statistics.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"
#include "ranking/settings.hpp"
#include "sweep/combinations.hpp"
#include "sweep/setting_text.hpp"

namespace itm {
namespace {

using sweep::combinations;
using sweep::Settings;

SettingValues numbers(const std::string& name, const std::vector<double>& values) {
  return {name, {values.begin(), values.end()}};
}

SettingValues words(const std::string& name, const std::vector<std::string>& values) {
  return {name, {values.begin(), values.end()}};
}

bool varies(const std::vector<SettingValues>& axes, const std::string& name) {
  return std::any_of(axes.begin(), axes.end(), [&](const SettingValues& axis) { return axis.first == name; });
}

std::vector<SettingValues> columns_of(const Ablation& ablation) {
  return ablation.columns ? std::vector<SettingValues>{*ablation.columns} : std::vector<SettingValues>{};
}

/// Which of the combinations the unit ran.
std::size_t find_combination(const std::vector<Settings>& all, const SweepUnit& unit) {
  const auto holds = [&](const auto& setting) {
    return std::find(unit.settings.begin(), unit.settings.end(), setting) != unit.settings.end();
  };
  const auto found = std::find_if(all.begin(), all.end(), [&](const Settings& settings) {
    return std::all_of(settings.begin(), settings.end(), holds);
  });
  return static_cast<std::size_t>(found - all.begin());
}

/// tau_w of one cell as it comes in: by seed and by data set.
struct Gathered {
  std::map<double, std::vector<double>> of_seed;
  std::map<std::string, std::vector<double>> of_dataset;
  std::vector<double> seconds;
};

AblationCell cell_of(const Gathered& gathered, const std::vector<std::string>& datasets) {
  AblationCell cell;
  for (const auto& [seed, taus] : gathered.of_seed) {
    cell.tau_w.push_back(*mean_of(taus));
  }
  for (const std::string& dataset : datasets) {
    const auto found = gathered.of_dataset.find(dataset);
    if (found != gathered.of_dataset.end()) {
      cell.datasets.emplace_back(dataset, *mean_of(found->second));
    }
  }
  cell.seconds = mean_of(gathered.seconds).value_or(0);
  return cell;
}

/// The seed among the unit's settings.
double seed_of(const SweepUnit& unit) {
  const auto found =
      std::find_if(unit.settings.begin(), unit.settings.end(), [](const auto& s) { return s.first == "seed"; });
  return found == unit.settings.end() ? 0 : std::get<double>(found->second);
}

}  // namespace

const std::vector<Ablation>& ablations() {
  static const std::vector<Ablation> all{
      {.name = "batch-size",
       .description = "Rows per batch, and what more iterations add",
       .paper = "Fig. 4",
       .rows = {numbers("batch-size", {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384})},
       .columns = numbers("iterations", {100, 200, 300, 400, 500})},
      {.name = "standardise",
       .description = "Standardised features and the adaptive rate",
       .paper = "Table 2",
       .rows = {words("standardise", {"none", "dim"}), words("adaptive", {"off", "on"})},
       .columns = numbers("iterations", {100, 200, 500, 1000})},
      {.name = "centres",
       .description = "Where pseudo-cluster centres come from",
       .paper = "Fig. 5",
       .rows = {words("centres", {"onehot", "random", "pca", "laplacian"})},
       .columns = std::nullopt,
       .seeds = 10},
      {.name = "steps",
       .description = "Evolution steps n of eq. 7",
       .paper = "",
       .rows = {numbers("steps", {1, 2, 4, 8, 16})},
       .columns = std::nullopt},
      {.name = "eta",
       .description = "The rate of eq. 12, adapted to each model or not",
       .paper = "",
       .rows = {numbers("eta", {0.1, 0.25, 0.5, 0.75, 1})},
       .columns = words("adaptive", {"off", "on"})},
  };
  return all;
}

const Ablation& find_ablation(const std::string& name) {
  std::vector<std::string> names;
  for (const Ablation& ablation : ablations()) {
    if (ablation.name == name) {
      return ablation;
    }
    names.push_back(ablation.name);
  }
  throw InputError(fmt::format("there is no ablation {}; choose one of {}", in_quotes(name), fmt::join(names, ", ")));
}

Ablation with_values(Ablation ablation, const std::vector<std::string>& values) {
  auto& [name, own] = ablation.rows.front();
  const auto& all = shared_settings();
  const auto shared =
      std::find_if(all.begin(), all.end(), [&, &name = name](const auto& s) { return s.setting.name == name; });
  own.clear();
  for (const std::string& text : values) {
    const std::optional<SettingValue> value = parse_value(shared->setting, text);
    if (!value) {
      throw InputError(
          fmt::format("--values: {} is not {}, which {} takes", in_quotes(text), wanted_text(shared->setting), name));
    }
    if (std::find(own.begin(), own.end(), *value) != own.end()) {
      throw InputError(fmt::format("--values: {} is there twice; pass each value once", in_quotes(text)));
    }
    own.push_back(*value);
  }
  return ablation;
}

Ablation with_batches_up_to(Ablation ablation, std::size_t rows) {
  for (SettingValues& setting : ablation.rows) {
    if (setting.first == "batch-size") {
      const SettingValue least = setting.second.front();
      std::erase_if(setting.second, [&](const SettingValue& value) {
        return std::get<double>(value) > static_cast<double>(rows) && value != least;
      });
    }
  }
  return ablation;
}

SweepSpec sweep_of(const Ablation& ablation, const AblationInput& input) {
  SweepSpec spec;
  spec.zoo = input.zoo;
  spec.truth = input.truth;
  spec.datasets = input.datasets;
  for (const auto& [name, value] : input.settings) {
    if (varies(ablation.rows, name) || varies(columns_of(ablation), name)) {
      throw InputError(
          fmt::format("--{} is what the ablation {} varies; leave it out, or write a sweep", name, ablation.name));
    }
    spec.settings.push_back({name, {value}});
  }
  spec.settings.insert(spec.settings.end(), ablation.rows.begin(), ablation.rows.end());
  if (ablation.columns) {
    spec.settings.push_back(*ablation.columns);
  }
  SettingValues seeds{"seed", {}};
  for (std::size_t i = 0; i < input.seeds; ++i) {
    seeds.second.emplace_back(static_cast<double>(input.first_seed + i));
  }
  spec.settings.push_back(std::move(seeds));
  return spec;
}

std::optional<double> AblationCell::mean() const { return mean_of(tau_w); }

std::optional<double> AblationCell::spread() const { return standard_deviation_of(tau_w); }

AblationReport summarise(const Ablation& ablation, const SweepReport& report) {
  const std::vector<Settings> rows = combinations(ablation.rows);
  const std::vector<Settings> columns = combinations(columns_of(ablation));
  AblationReport result;
  result.ablation = ablation;
  result.seconds = report.seconds;
  result.resumed = report.resumed;
  result.threads = report.threads;
  result.backend = report.backend;
  result.fixed_orders = report.fixed_orders();

  std::vector<std::vector<Gathered>> gathered(rows.size(), std::vector<Gathered>(columns.size()));
  for (const SweepRow& row : report.rows) {
    if (!row.result.agreement || !row.result.agreement->tau_w) {
      continue;  // a data set that the truth does not have
    }
    Gathered& cell = gathered.at(find_combination(rows, row.unit)).at(find_combination(columns, row.unit));
    cell.of_seed[seed_of(row.unit)].push_back(*row.result.agreement->tau_w);
    cell.of_dataset[row.unit.dataset].push_back(*row.result.agreement->tau_w);
    cell.seconds.push_back(row.result.seconds / static_cast<double>(row.result.models.size()));
    result.models = std::max(result.models, row.result.models.size());
    if (std::find(result.datasets.begin(), result.datasets.end(), row.unit.dataset) == result.datasets.end()) {
      result.datasets.push_back(row.unit.dataset);
    }
  }
  if (result.datasets.empty()) {
    throw InputError("no data set has a tau_w; the truth must name at least two of its models");
  }
  result.seeds = gathered.front().front().of_seed.size();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    result.rows.push_back(sweep::settings_text(rows[r]));
    std::vector<AblationCell>& cells = result.cells.emplace_back();
    for (const Gathered& cell : gathered[r]) {
      cells.push_back(cell_of(cell, result.datasets));
    }
  }
  for (const Settings& column : columns) {
    result.columns.push_back(column.empty() ? "" : value_text(column.front().second));
  }
  return result;
}

}  // namespace itm
