// What a sweep will take. Work is counted in units that grow as the method's time does; seconds per unit of work come
// from the journal, else from one core of a Xeon (docs/sweeps.md).

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "itm/sweep.hpp"
#include "sweep/journal.hpp"

namespace itm {
namespace {

struct Rate {
  std::string_view method;
  double seconds;  ///< per unit of work
};
/// `itm rank examples/glyphs --method all --threads 1`.
constexpr std::array<Rate, 15> rates{{{"itm", 5.6e-11},
                                      {"logme", 32e-9},
                                      {"leep", 6e-9},
                                      {"nce", 4e-9},
                                      {"nleep", 990e-9},
                                      {"parc", 114e-9},
                                      {"sfda", 36e-9},
                                      {"ped", 52e-9},
                                      {"etran", 14e-9},
                                      {"gbc", 44e-9},
                                      {"lead", 728e-9},
                                      {"hscore", 13e-9},
                                      {"transrate", 19e-9},
                                      {"knn", 224e-9},
                                      {"linear_probe", 2854e-9}}};
constexpr double unknown_rate = 100e-9;

struct Shape {
  double rows = 0;
  double dims = 0;
  double bytes = 0;  ///< of the file's elements
};

struct Dataset {
  std::vector<Shape> models;
  double classes = 0;
};

Dataset shapes_of(const Zoo& zoo, const std::string& name) {
  Dataset dataset;
  for (const ZooEntry& entry : zoo.entries(name)) {
    const Array feature = entry.feature.read();
    dataset.models.push_back({static_cast<double>(feature.rows()), static_cast<double>(feature.cols()),
                              static_cast<double>(feature.size() * size_of(feature.dtype()))});
    if (dataset.classes == 0 && !entry.target) {
      dataset.classes = static_cast<double>(read_labels(entry.label).classes);
    }
  }
  return dataset;
}

MethodOptions options_of(const SweepUnit& unit) {
  MethodOptions options;
  for (const auto& [name, value] : unit.settings) {
    apply_setting(options, name, value);
  }
  return options;
}

/// ITM: multiplications and additions of its two passes over a batch; others: elements of the features.
double work_of(const SweepUnit& unit, const Dataset& dataset) {
  const MethodOptions options = options_of(unit);
  const double repeats = find_estimator(unit.method).seeded ? static_cast<double>(options.repeats) : 1;
  double sum = 0;
  for (const Shape& model : dataset.models) {
    const double batch = std::min(static_cast<double>(options.itm.batch_size), 0.8 * model.rows);
    const double per_element =
        unit.method == "itm" ? 4 * dataset.classes * batch * static_cast<double>(options.itm.iterations) / model.rows
                             : 1;
    sum += repeats * per_element * model.rows * model.dims;
  }
  return sum;
}

/// What is in memory while every thread is at the widest model.
double memory_of(const SweepUnit& unit, const Dataset& dataset, int threads) {
  const MethodOptions options = options_of(unit);
  double widest = 0;
  double plan = 0;
  for (const Shape& model : dataset.models) {
    if (unit.method == "itm") {  // the mapped file; a batch, its gradient and Gram matrix; the batch stream
      const double batch = std::min(static_cast<double>(options.itm.batch_size), 0.8 * model.rows);
      widest = std::max(widest, model.bytes + 8 * batch * (2 * model.dims + batch));
      plan = 4 * batch * static_cast<double>(options.itm.iterations * options.repeats);
    } else {  // the mapped file, a float64 copy and one more for what the method makes of it
      widest = std::max(widest, model.bytes + 16 * model.rows * model.dims);
    }
  }
  return plan +
         widest * std::min(static_cast<double>(std::max(threads, 1)), static_cast<double>(dataset.models.size()));
}

double rate_of(const std::string& method) {
  const auto known = std::find_if(rates.begin(), rates.end(), [&](const Rate& rate) { return rate.method == method; });
  return known == rates.end() ? unknown_rate : known->seconds;
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
      work += work_of(row.unit, datasets.at(row.unit.dataset));
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
    const double work = work_of(unit, dataset);
    const auto known = measured.find(unit.method);
    const double together =
        std::min(static_cast<double>(std::max(options.threads, 1)), static_cast<double>(dataset.models.size()));
    estimate.seconds += known != measured.end() ? work * known->second.first / known->second.second
                                                : work * rate_of(unit.method) / together;
  }
  return estimate;
}

}  // namespace itm
