// What a sweep will take, by the costs that the methods state; seconds per unit of that come from the journal where it
// has the method.

#include <algorithm>
#include <map>

#include "itm/sweep.hpp"
#include "sweep/journal.hpp"

namespace itm {
namespace {

using Dataset = std::vector<Workload>;

Dataset shapes_of(const Zoo& zoo, const std::string& name) {
  Dataset dataset;
  Labels labels;
  for (const ZooEntry& entry : zoo.entries(name)) {
    if (labels.values.empty() && !entry.target) {
      labels = read_entry_labels(entry);
    }
    dataset.push_back(workload_of(entry, labels));
  }
  return dataset;
}

RankOptions options_of(const SweepUnit& unit) {
  RankOptions options;
  for (const auto& [name, value] : unit.settings) {
    apply_setting(options, name, value);
  }
  return options;
}

/// Seconds on one thread.
double seconds_of(const SweepUnit& unit, const Dataset& dataset) {
  return find_estimator(unit.method).cost_of(dataset, options_of(unit)).seconds;
}

/// Models that are worked on at once.
double together(const Dataset& dataset, int threads) {
  return static_cast<double>(std::min(static_cast<std::size_t>(std::max(threads, 1)), dataset.size()));
}

/// What is in memory while every thread is at the largest model.
double memory_of(const SweepUnit& unit, const Dataset& dataset, int threads) {
  return find_estimator(unit.method).cost_of(dataset, options_of(unit)).bytes * together(dataset, threads);
}

}  // namespace

SweepEstimate estimate_sweep(const SweepPlan& plan, const SweepOptions& options) {
  std::map<std::string, Dataset> datasets;
  for (const SweepUnit& unit : plan.units) {
    if (datasets.count(unit.dataset) == 0) {
      datasets.emplace(unit.dataset, shapes_of(plan.zoo, unit.dataset));
    }
  }
  SweepEstimate estimate;
  std::map<std::string, std::pair<double, double>> measured;  // method -> seconds, work
  std::vector<char> done(plan.units.size());
  if (!options.journal.empty()) {
    for (const SweepRow& row : sweep::peek_journal(shard_journal(options.journal, options.shard), plan)) {
      auto& [seconds, work] = measured[row.unit.method];
      seconds += row.seconds;
      work += seconds_of(row.unit, datasets.at(row.unit.dataset));
      done[row.unit.index] = 1;
      ++estimate.finished;
    }
  }
  estimate.from_journal = !measured.empty();
  for (const SweepUnit& unit : plan.units) {
    if (!options.shard.has(unit)) {
      continue;
    }
    ++estimate.units;
    const Dataset& dataset = datasets.at(unit.dataset);
    estimate.memory = std::max(estimate.memory, memory_of(unit, dataset, options.threads));
    if (done[unit.index] != 0) {
      continue;
    }
    const double work = seconds_of(unit, dataset);
    const auto known = measured.find(unit.method);
    estimate.seconds += known != measured.end() && known->second.second > 0
                            ? work * known->second.first / known->second.second
                            : work / together(dataset, options.threads);
  }
  return estimate;
}

}  // namespace itm
