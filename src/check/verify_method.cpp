// Any method on a device against the CPU: scores and details.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "itm/error.hpp"
#include "itm/verify.hpp"

namespace itm {
namespace {

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

StageDeviation compare_series(const std::string& name, const Series& series, double tolerance) {
  constexpr double exact = 1e-6;  // what a method has that counts the same steps everywhere
  StageDeviation worst;
  worst.worst = compare(name, series.other, series.reference, Measure::relative,
                        series.whole && tolerance <= exact ? 0 : tolerance);
  double largest = -1;
  for (std::size_t i = 0; i < series.reference.size(); ++i) {
    const double gap = std::abs(series.other[i] - series.reference[i]);
    if (!(gap <= largest)) {  // a NaN is the worst
      largest = std::isnan(gap) ? std::numeric_limits<double>::infinity() : gap;
      worst.model = series.model[i];
    }
  }
  return worst;
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
  on_cpu.arithmetic = Arithmetic::float64;
  on_cpu.jackknife = 0;
  RankOptions on_device = on_cpu;
  on_device.device = engine ? Backend::cuda : Backend::cpu;
  on_device.engine = engine;
  on_device.arithmetic = options.arithmetic;
  const RankedDataset reference = rank_zoo(zoo, on_cpu).results.at(0);
  const RankedDataset other = rank_zoo(zoo, on_device).results.at(0);

  std::map<std::string, Series> details;
  Series scores;
  for (const ScoredModel& want : reference.models) {
    const auto got = std::find_if(other.models.begin(), other.models.end(),
                                  [&](const ScoredModel& m) { return m.model == want.model; });
    if (got == other.models.end()) {
      throw InputError(want.model + ": has no score on the device; this is a fault of itm");
    }
    add(scores, want.score, got->score, false, want.model);
    add_details(details, "", want.details, got->details, want.model);
  }
  const double tolerance = find_estimator(method).tolerance;
  VerifyReport report;
  report.dataset = dataset;
  report.method = method;
  report.place = other.place;
  report.reference_order = order_of(reference);
  report.other_order = order_of(other);
  report.stages.push_back(compare_series("score", scores, tolerance));
  for (const auto& [name, series] : details) {
    report.stages.push_back(compare_series(name, series, tolerance));
  }
  // A pair that changes places must be equal to the tolerance.
  const double largest = std::abs(*std::max_element(scores.reference.begin(), scores.reference.end(),
                                                    [](double a, double b) { return std::abs(a) < std::abs(b); }));
  report.same_ranking = true;
  for (std::size_t a = 0; a < scores.reference.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double gap = scores.reference[a] - scores.reference[b];
      const double other_gap = scores.other[a] - scores.other[b];
      report.same_ranking = report.same_ranking && (gap * other_gap >= 0 || std::abs(gap) <= 2 * tolerance * largest);
    }
  }
  report.within = report.same_ranking && std::all_of(report.stages.begin(), report.stages.end(),
                                                     [](const StageDeviation& s) { return s.worst.within; });
  return report;
}

}  // namespace itm
