// Any method on a device against the CPU: scores and details.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "check/rounding_spread.hpp"
#include "itm/error.hpp"
#include "itm/verify.hpp"

namespace itm {
namespace {

constexpr const char* score_series = "";

/// One kind of number: its value for every model.
struct Series {
  std::vector<double> reference;
  std::vector<double> other;
  std::vector<std::string> model;
  bool whole = true;
};

void add(Series& series, double reference, double other, bool whole, const std::string& model) {
  series.reference.push_back(reference);
  series.other.push_back(other);
  series.model.push_back(model);
  series.whole = series.whole && whole;
}

/// Adds every number of `reference` and the one of `other` that has its name.
void add_details(std::map<std::string, Series>& all, const std::string& prefix, const Details& reference,
                 const Details& other, const std::string& model) {
  for (const auto& [name, value] : reference) {
    const DetailValue* found = other.find(name);
    const std::string path = prefix + name;
    if (found == nullptr) {
      throw InputError(model + ": the detail " + path + " is missing on the device; this is a fault of itm");
    }
    if (const auto number = value.number()) {
      add(all[path], *number, found->number().value_or(std::nan("")), value.as<std::int64_t>() != nullptr, model);
    } else if (const auto* numbers = value.as<DetailValue::Numbers>()) {
      const auto* others = found->as<DetailValue::Numbers>();
      for (std::size_t i = 0; i < numbers->size(); ++i) {
        const bool there = others != nullptr && others->size() == numbers->size();
        add(all[path], (*numbers)[i], there ? (*others)[i] : std::nan(""), false, model);
      }
    } else if (const auto* group = value.as<Details>()) {
      if (const auto* others = found->as<Details>()) {
        add_details(all, path + ".", *group, *others, model);
      }
    }
  }
}

/// The largest number of a series.
double size_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [](double largest, double v) { return std::max(largest, std::abs(v)); });
}

/// The series of scores and details of two runs over the same models.
std::map<std::string, Series> series_of(const std::vector<ScoredModel>& reference,
                                        const std::vector<ScoredModel>& other) {
  std::map<std::string, Series> all;
  for (const ScoredModel& want : reference) {
    const auto got =
        std::find_if(other.begin(), other.end(), [&](const ScoredModel& m) { return m.model == want.model; });
    if (got == other.end()) {
      throw InputError(want.model + ": has no score on the device; this is a fault of itm");
    }
    add(all[score_series], want.score, got->score, false, want.model);
    add_details(all, "", want.details, got->details, want.model);
  }
  return all;
}

/// `tolerance`: the method's; `spread`: how far rounding moves the series by itself.
StageDeviation compare_series(const std::string& name, const Series& series, double tolerance, double spread) {
  StageDeviation worst;
  const double usual = series.whole ? 0 : tolerance;
  const double largest = size_of(series.reference);
  worst.worst = compare(name, series.other, series.reference, Measure::relative, usual);
  if (!worst.worst.within && spread > 0) {
    worst.rounding = true;
    worst.worst =
        compare(name, series.other, series.reference, Measure::relative, 2 * spread / (largest > 0 ? largest : 1));
    worst.rounding = worst.worst.within;
  }
  double widest = -1;
  for (std::size_t i = 0; i < series.reference.size(); ++i) {
    const double gap = std::abs(series.other[i] - series.reference[i]);
    if (!(gap <= widest)) {  // a NaN is the worst
      widest = std::isnan(gap) ? std::numeric_limits<double>::infinity() : gap;
      worst.model = series.model[i];
    }
  }
  return worst;
}

/// Models with a number beyond the usual tolerance.
std::vector<std::string> models_beyond(const std::map<std::string, Series>& all, double tolerance) {
  std::vector<std::string> models;
  for (const auto& [name, series] : all) {
    const double allowed = series.whole ? 0 : tolerance * size_of(series.reference);
    for (std::size_t i = 0; i < series.reference.size(); ++i) {
      const bool beyond = !(std::abs(series.other[i] - series.reference[i]) <= allowed);
      if (beyond && std::find(models.begin(), models.end(), series.model[i]) == models.end()) {
        models.push_back(series.model[i]);
      }
    }
  }
  return models;
}

/// Models, best first.
std::vector<std::string> order_of(const RankedDataset& result) {
  std::vector<const ScoredModel*> models;
  std::transform(result.models.begin(), result.models.end(), std::back_inserter(models),
                 [](const ScoredModel& m) { return &m; });
  std::stable_sort(models.begin(), models.end(),
                   [](const ScoredModel* a, const ScoredModel* b) { return a->rank < b->rank; });
  std::vector<std::string> order;
  std::transform(models.begin(), models.end(), std::back_inserter(order), [](const auto* m) { return m->model; });
  return order;
}

}  // namespace

VerifyReport verify_method(const Zoo& zoo, const std::string& dataset, const RankOptions& options,
                           const std::string& method, const std::shared_ptr<ItmEngine>& engine) {
  RankOptions on_cpu = options;
  on_cpu.method = method;
  on_cpu.datasets = {dataset};
  on_cpu.device = Backend::cpu;
  on_cpu.engine = nullptr;
  on_cpu.arithmetic = Precision::float64;
  on_cpu.jackknife = 0;
  RankOptions on_device = on_cpu;
  on_device.device = engine ? Backend::cuda : Backend::cpu;
  on_device.engine = engine;
  on_device.arithmetic = options.arithmetic;
  const RankedDataset reference = rank_zoo(zoo, on_cpu).results.at(0);
  const RankedDataset other = rank_zoo(zoo, on_device).results.at(0);

  const double tolerance = find_estimator(method).tolerance;
  const std::map<std::string, Series> all = series_of(reference.models, other.models);
  std::map<std::string, double> spread;
  if (const std::vector<std::string> beyond = models_beyond(all, tolerance); !beyond.empty()) {
    std::vector<ScoredModel> before;
    std::copy_if(reference.models.begin(), reference.models.end(), std::back_inserter(before),
                 [&](const auto& m) { return std::find(beyond.begin(), beyond.end(), m.model) != beyond.end(); });
    for (const std::vector<ScoredModel>& moved : scores_after_rounding(zoo, dataset, on_cpu, beyond)) {
      for (const auto& [name, series] : series_of(before, moved)) {
        for (std::size_t i = 0; i < series.reference.size(); ++i) {
          spread[name] = std::max(spread[name], std::abs(series.other[i] - series.reference[i]));
        }
      }
    }
  }
  VerifyReport report;
  report.dataset = dataset;
  report.method = method;
  report.place = other.place;
  report.reference_order = order_of(reference);
  report.other_order = order_of(other);
  for (const auto& [name, series] : all) {
    report.stages.push_back(compare_series(name == score_series ? "score" : name, series, tolerance, spread[name]));
  }
  const Series& scores = all.at(score_series);
  // A pair that changes places must be equal to the tolerance.
  const double largest = size_of(scores.reference);
  const double tie = 2 * std::max(tolerance * largest, spread[score_series]);
  report.same_ranking = true;
  for (std::size_t a = 0; a < scores.reference.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double gap = scores.reference[a] - scores.reference[b];
      const double other_gap = scores.other[a] - scores.other[b];
      report.same_ranking = report.same_ranking && (gap * other_gap >= 0 || std::abs(gap) <= tie);
    }
  }
  report.within = report.same_ranking && std::all_of(report.stages.begin(), report.stages.end(),
                                                     [](const StageDeviation& s) { return s.worst.within; });
  return report;
}

}  // namespace itm
