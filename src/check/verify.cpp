// CPU float64 against another precision, stage by stage, over the models of one data set.

#include "itm/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <numeric>

#include "core/precision_name.hpp"
#include "core/work_pool.hpp"
#include "engine/itm_inputs.hpp"
#include "engine/observed_run.hpp"
#include "itm/error.hpp"
#include "linalg/blas.hpp"

namespace itm {
namespace {

std::vector<std::size_t> best_first(const std::vector<ItmResult>& results) {
  std::vector<std::size_t> order(results.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return is_better(results[a].best, results[b].best); });
  return order;
}

/// Whether every pair that the second order turns round is a near tie in the reference.
bool same_up_to_ties(const std::vector<ItmResult>& reference, const std::vector<ItmResult>& other, double near_tie) {
  for (std::size_t a = 0; a < reference.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double gap = reference[a].best.accuracy - reference[b].best.accuracy;
      const double other_gap = other[a].best.accuracy - other[b].best.accuracy;
      if (gap * other_gap < 0 && std::abs(gap) > near_tie + 1e-12) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

VerifyReport verify_dataset(const Zoo& zoo, const std::string& dataset, const ItmOptions& options, Precision other,
                            int threads, const std::function<void(std::size_t, std::size_t)>& progress,
                            const std::function<bool()>& cancelled, ItmEngine* engine) {
  const std::vector<ZooEntry>& entries = zoo.entries(dataset);
  const Labels labels = read_entry_labels(entries.front());
  const ItmPlan plan = make_plan(labels, options);
  const std::size_t count = entries.size();

  std::mutex guard;
  std::size_t done = 0;
  const auto advance = [&] {
    const std::lock_guard lock(guard);
    ++done;
    if (progress) {
      progress(done, 2 * count);
    }
  };

  ItmOptions reference_options = options;
  reference_options.precision = Precision::float64;
  ItmOptions other_options = options;
  other_options.precision = other;

  const auto open = [&](std::size_t i) { return entries[i].feature.read().to_native_row_major(); };
  std::vector<ObservedRun> reference(count);
  std::vector<ObservedRun> observed(count);
  for_each_unit(count, threads, [&](std::size_t i) {
    reference[i].statistics = measure_features(entries[i].feature.read(), labels, options.standardise);
    advance();
  });
  const double mean_dispersion =
      std::accumulate(reference.begin(), reference.end(), 0.0,
                      [](double sum, const ObservedRun& o) { return sum + o.statistics.dispersion; }) /
      static_cast<double>(count);

  std::vector<double> eta(count, options.eta);
  for_each_unit(count, threads, [&](std::size_t i) {
    const Array feature = open(i);
    const FeatureStatistics& statistics = reference[i].statistics;
    if (options.adaptive) {
      eta[i] = adaptive_rate(options.eta, options.dispersion_base.value_or(mean_dispersion), statistics.dispersion);
    }
    const ItmParameters initial = initial_parameters(feature.cols(), labels.classes, options.seed);
    const auto run = [&](ObservedRun& o, const ItmOptions& as) {
      const ItmObserver observer = o.observer(plan.iterations, cancelled);
      o.result = run_itm(feature, statistics, plan, as, eta[i], initial, {}, observer);
    };
    run(reference[i], reference_options);
    if (engine == nullptr) {
      run(observed[i], other_options);
    }
    advance();
  });
  if (engine != nullptr) {
    std::vector<ItmSurvey> surveys;
    for (std::size_t i = 0; i < count; ++i) {
      surveys.push_back({{[&open, i] { return open(i); }, resident_key(entries[i].feature)}, &labels});
    }
    std::vector<SurveyOutcome> surveyed = engine->survey(surveys, options.standardise);
    std::vector<ItmTask> tasks;
    for (std::size_t i = 0; i < count; ++i) {
      if (surveyed[i].failure) {
        std::rethrow_exception(surveyed[i].failure);
      }
      observed[i].statistics = std::move(surveyed[i].statistics);
      tasks.push_back({surveys[i].features, &observed[i].statistics, &plan, eta[i], options.seed, nullptr,
                       observed[i].observer(plan.iterations, cancelled)});
    }
    const std::vector<ItmResult> results = results_of(engine->run(tasks, other_options));
    for (std::size_t i = 0; i < count; ++i) {
      observed[i].result = results[i];
    }
  }
  std::vector<ItmResult> reference_results(count);
  std::vector<ItmResult> other_results(count);
  std::vector<std::vector<Deviation>> deviations(count);
  for (std::size_t i = 0; i < count; ++i) {
    deviations[i] = compare_stages(observed[i], reference[i], plan.validation.size());
    reference_results[i] = reference[i].result;
    other_results[i] = observed[i].result;
  }

  VerifyReport report;
  report.dataset = dataset;
  report.place = {engine != nullptr ? "cuda" : "cpu", engine != nullptr ? engine->device() : blas::description(),
                  std::string(name_of(other))};
  report.within = true;
  for (std::size_t stage = 0; stage < deviations.front().size(); ++stage) {
    StageDeviation worst;
    for (std::size_t i = 0; i < count; ++i) {
      const Deviation& d = deviations[i][stage];
      if (i == 0 || is_worse(d, worst.worst)) {
        worst = {d, entries[i].model};
      }
    }
    report.within = report.within && worst.worst.within;
    report.stages.push_back(std::move(worst));
  }
  for (const std::size_t i : best_first(reference_results)) {
    report.reference_order.push_back(entries[i].model);
  }
  for (const std::size_t i : best_first(other_results)) {
    report.other_order.push_back(entries[i].model);
  }
  report.same_ranking =
      same_up_to_ties(reference_results, other_results, 2.0 / static_cast<double>(plan.validation.size()));
  report.within = report.within && report.same_ranking;
  return report;
}

}  // namespace itm
