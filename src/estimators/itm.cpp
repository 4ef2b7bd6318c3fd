// ITM over the models of one data set: dispersion of every model, then dis_b and the rates, then one run per model and
// seed.

#include "itm/itm.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <list>
#include <optional>

#include "core/statistics.hpp"
#include "core/text.hpp"
#include "engine/itm_inputs.hpp"
#include "estimators/registry.hpp"
#include "itm/error.hpp"
#include "session/kept_rows.hpp"
#include "session/roster.hpp"

namespace itm {
namespace {

std::string_view name_of(Recurrence form) { return form == Recurrence::gram ? "gram" : "factored"; }

/// What is kept of a model between its survey and its runs; the features themselves are opened again, so that a zoo
/// larger than memory streams through.
struct Surveyed {
  FeatureStatistics statistics;
  std::size_t dims = 0;
  KeptRows kept;
  double eta = 0;
  std::vector<ItmResult> runs;  ///< one per repeat
};

class ItmSession final : public Session {
 public:
  ItmSession(DatasetTask task, RankOptions options)
      : task_(std::move(task)), options_(std::move(options)), models_(task_.entries.size()), plans_(options_.repeats) {
    options_.itm.validate();
    for (Surveyed& model : models_) {
      model.runs.resize(options_.repeats);
    }
  }

  std::vector<Outcome> score(Executor& executor) override {
    engine_ = executor.engine();
    Roster roster(executor, models_.size());
    executor.for_each_model(1, [&](std::size_t model, std::size_t) {
      roster.attempt(model, [&] { survey(model); });
      executor.advance(model, engine_ == nullptr ? survey_share : 0);
    });
    if (engine_ != nullptr) {
      survey_together(executor, roster);
    }
    settle(roster.present());
    if (engine_ != nullptr) {
      train_together(executor, roster);
    } else {
      executor.for_each_model(plans_.size(), [&](std::size_t model, std::size_t repeat) {
        roster.attempt(model, [&] { train(model, repeat); });
        executor.advance(model, (1 - survey_share) / static_cast<double>(plans_.size()));
      });
    }
    return roster.outcomes([this](std::size_t model) { return scored(model); });
  }

 private:
  static constexpr double survey_share = 0.05;

  /// Which rows are kept; on the CPU their statistics too.
  void survey(std::size_t model) {
    Surveyed& m = models_[model];
    const Array feature = open_feature(model);
    m.kept = options_.drop_bad_rows ? drop_bad_rows(feature, task_) : KeptRows{task_.rows, std::nullopt};
    m.dims = feature.cols();
    if (engine_ == nullptr) {
      m.statistics = measure_features(feature, labels_of(m), options_.itm.standardise, m.kept.rows);
    }
  }

  /// The statistics of all models; each is charged an equal share of the time.
  void survey_together(Executor& executor, Roster& roster) {
    const std::vector<std::size_t> present = roster.present();
    std::vector<ItmSurvey> surveys;
    surveys.reserve(present.size());
    for (const std::size_t model : present) {
      surveys.push_back(
          {features_of(model, [this, model] { return open_feature(model); }), &labels_of(models_[model])});
    }
    const auto start = std::chrono::steady_clock::now();
    std::vector<SurveyOutcome> found = engine_->survey(surveys, options_.itm.standardise);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (std::size_t i = 0; i < present.size(); ++i) {
      roster.charge(present[i], seconds / static_cast<double>(present.size()));
      executor.advance(present[i], survey_share);
      if (found[i].failure) {
        roster.fail(present[i], found[i].failure);
      }
      models_[present[i]].statistics = std::move(found[i].statistics);
    }
  }

  /// dis_b, the mean over the models that are in, and every eta.
  void settle(const std::vector<std::size_t>& present) {
    double sum = 0;
    for (const std::size_t i : present) {
      sum += dispersion(models_[i]);
    }
    const double base =
        options_.itm.dispersion_base.value_or(present.empty() ? 1.0 : sum / static_cast<double>(present.size()));
    for (Surveyed& m : models_) {
      m.eta = options_.itm.adaptive ? adaptive_rate(options_.itm.eta, base, dispersion(m)) : options_.itm.eta;
    }
    for (std::size_t repeat = 0; repeat < plans_.size(); ++repeat) {
      plans_[repeat] = plan_of(task_.labels, seeded(repeat), task_.rows);
    }
  }

  void train(std::size_t model, std::size_t repeat) {
    Surveyed& m = models_[model];
    const ItmOptions options = seeded(repeat);
    const Array feature = open_feature(model);
    std::optional<ItmPlan> own_plan;
    if (m.kept.labels) {
      own_plan = plan_of(*m.kept.labels, options, m.kept.rows);
    }
    ItmObserver observer;
    observer.cancelled = options_.cancelled;
    const ItmParameters initial = initial_parameters(m.dims, task_.labels.classes, options.seed);
    m.runs[repeat] = run_itm(feature, m.statistics, own_plan ? *own_plan : plans_[repeat], options, m.eta, initial,
                             m.kept.rows, observer);
  }

  /// All models and all seeds in lockstep; each model is charged an equal share of the time.
  void train_together(Executor& executor, Roster& roster) {
    const std::vector<std::size_t> present = roster.present();
    if (present.empty()) {
      return;
    }
    std::vector<ItmTask> tasks;
    std::vector<std::pair<std::size_t, std::size_t>> of;  // model, repeat
    std::list<ItmPlan> own_plans;
    for (const std::size_t model : present) {
      Surveyed& m = models_[model];
      for (std::size_t repeat = 0; repeat < plans_.size(); ++repeat) {
        const ItmPlan* plan = &plans_[repeat];
        if (m.kept.labels) {
          plan = &own_plans.emplace_back(plan_of(*m.kept.labels, seeded(repeat), m.kept.rows));
        }
        ItmTask task;
        task.features = features_of(model, [this, model] { return open_feature(model); });
        task.statistics = &m.statistics;
        task.plan = plan;
        task.eta = m.eta;
        task.seed = seeded(repeat).seed;
        task.observer.cancelled = options_.cancelled;
        tasks.push_back(std::move(task));
        of.emplace_back(model, repeat);
      }
    }
    double told = 0;
    const auto progress = [&](double share) {
      for (const std::size_t model : present) {
        executor.advance(model, (1 - survey_share) * (share - told));
      }
      told = share;
    };
    const auto start = std::chrono::steady_clock::now();
    std::vector<ItmOutcome> done;
    try {
      done = engine_->run(tasks, options_.itm, progress);
    } catch (const DeviceError&) {  // the device failed for all of them
      for (const std::size_t model : present) {
        roster.fail(model, std::current_exception());
      }
      return;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (std::size_t i = 0; i < done.size(); ++i) {
      const auto [model, repeat] = of[i];
      roster.charge(model, seconds / static_cast<double>(done.size()));
      if (done[i].failure) {
        roster.fail(model, done[i].failure);
      }
      models_[model].runs[repeat] = std::move(done[i].result);
    }
  }

  /// The mean over the seeds.
  [[nodiscard]] ScoredModel scored(std::size_t model) const {
    ScoredModel result;
    result.model = task_.entries[model].model;
    const auto repeats = static_cast<double>(models_[model].runs.size());
    double loss = 0;
    for (const ItmResult& run : models_[model].runs) {
      result.score += run.best.accuracy / repeats;
      loss += run.best.loss / repeats;
    }
    result.tie_break = -loss;
    add_error(result, models_[model]);
    result.note = note(models_[model]);
    result.details = details(models_[model], loss);
    return result;
  }

  /// What makes this model's score odd.
  [[nodiscard]] std::string note(const Surveyed& m) const {
    if (options_.itm.adaptive && (m.eta <= 0 || m.eta >= 1)) {
      return m.eta <= 0
                 ? "the dispersion of some models is so far below the zoo's mean that their rate is 0: they do not "
                   "evolve at all; --dispersion-scale sqrt-dim compares models of different widths, "
                   "--dispersion-base fixes the mean"
                 : "the dispersion of some models is so far above the zoo's mean that their rate is 1; "
                   "--dispersion-scale sqrt-dim compares models of different widths";
    }
    if (2 * m.statistics.constant_columns >= m.dims) {
      return "half of the columns or more vary by less than 1e-6 and count as constant; scale the features up";
    }
    return {};
  }

  /// Of the mean over the seeds: their own spread, and no less than so many different validation rows allow.
  void add_error(ScoredModel& result, const Surveyed& m) const {
    const std::size_t rows = labels_of(m).values.size();
    const std::size_t validation = m.kept.labels ? plan_of(*m.kept.labels, seeded(0), m.kept.rows).validation.size()
                                                 : plans_.front().validation.size();
    // Seeds draw other rows, but not where the person says which.
    const std::size_t seen = task_.held_out.empty() ? std::min(validation * m.runs.size(), rows) : validation;
    std::vector<double> scores;
    for (const ItmResult& run : m.runs) {
      scores.push_back(run.best.accuracy);
    }
    const double spread = standard_deviation_of(scores).value_or(0) / std::sqrt(static_cast<double>(scores.size()));
    result.error = std::max(binomial_error(result.score, static_cast<double>(seen)), spread);
    result.error_from = plural(seen, "validation row");
  }

  [[nodiscard]] Array open_feature(std::size_t model) const {
    const Array feature = task_.entries[model].feature.read();
    // Column-wise or byte-swapped features are turned once: rows are gathered hundreds of times.
    return feature.col_stride() == static_cast<std::ptrdiff_t>(size_of(feature.dtype())) && !feature.big_endian()
               ? feature
               : feature.to_native_row_major();
  }

  [[nodiscard]] ItmFeatures features_of(std::size_t model, std::function<Array()> open) const {
    return {std::move(open), resident_key(task_.entries[model].feature), models_[model].kept.rows};
  }

  /// `rows`: those of the file that the labels are of; empty: all.
  [[nodiscard]] ItmPlan plan_of(const Labels& labels, const ItmOptions& options,
                                const std::vector<std::uint32_t>& rows) const {
    std::vector<std::uint8_t> some;
    std::transform(rows.begin(), rows.end(), std::back_inserter(some),
                   [this](auto row) { return task_.held_out.empty() ? std::uint8_t{0} : task_.held_out[row]; });
    const std::vector<std::uint8_t>& held_out = rows.empty() || task_.held_out.empty() ? task_.held_out : some;
    return engine_ != nullptr ? engine_->plan(labels, options, held_out) : make_plan(labels, options, held_out);
  }

  [[nodiscard]] const Labels& labels_of(const Surveyed& m) const { return m.kept.labels_or(task_.labels); }

  [[nodiscard]] double dispersion(const Surveyed& m) const {
    return options_.itm.dispersion_per_sqrt_dim && m.dims > 0
               ? m.statistics.dispersion / std::sqrt(static_cast<double>(m.dims))
               : m.statistics.dispersion;
  }

  [[nodiscard]] ItmOptions seeded(std::size_t repeat) const {
    ItmOptions options = options_.itm;
    options.seed = options_.seed + repeat;
    return options;
  }

  [[nodiscard]] Details details(const Surveyed& m, double loss) const {
    Details all{{"eta", m.eta},
                {"dispersion", m.statistics.dispersion},
                {"feature_mean", m.statistics.feature_mean},
                {"feature_variance", m.statistics.feature_variance},
                {"dims", m.dims},
                {"rows", labels_of(m).values.size()},
                {"classes", task_.labels.classes},
                {"dropped_rows", task_.labels.values.size() - labels_of(m).values.size()},
                {"constant_columns", m.statistics.constant_columns},
                {"recurrence", name_of(m.runs.front().recurrence)},
                {"validation_loss", loss},
                {"best_iteration", m.runs.front().best.iteration}};
    DetailValue::Groups curve;
    for (const Checkpoint& point : m.runs.front().curve) {
      curve.push_back({{"iteration", point.iteration}, {"accuracy", point.accuracy}, {"loss", point.loss}});
    }
    all["curve"] = curve;
    if (m.runs.size() > 1) {
      DetailValue::Groups repeats;
      for (const ItmResult& run : m.runs) {
        repeats.push_back({{"accuracy", run.best.accuracy}, {"loss", run.best.loss}});
      }
      all["repeats"] = repeats;
    }
    return all;
  }

  DatasetTask task_;
  RankOptions options_;
  ItmEngine* engine_ = nullptr;  ///< null: the CPU's
  std::vector<Surveyed> models_;
  std::vector<ItmPlan> plans_;
};

/// Two passes over a batch and its recurrence (measured: docs/benchmarks.md), and a float32 copy of the features at
/// most.
Cost cost_of_itm(const Workload& work, const RankOptions& options) {
  const double batch = std::min(static_cast<double>(options.itm.batch_size), 0.8 * work.rows);
  const auto iterations = static_cast<double>(options.itm.iterations);
  const auto repeats = static_cast<double>(options.repeats);
  const double of_batch = 2 * batch * work.classes * (2 * work.dims + 4 * work.classes) + 12 * work.classes * work.dims;
  return {iterations * (of_batch * 1.4e-11 + 5e-5) + 6e-9 * work.rows * work.dims,
          work.bytes + 8 * batch * (2 * work.dims + batch) + 4 * batch * iterations * repeats};
}

}  // namespace

Estimator itm_estimator() {
  Estimator made;
  made.name = "itm";
  made.description = "Implicit Transferability Modeling: trains a linear latent under the evolution of eq. 7";
  made.citation = "Generalizable Transferability Estimation of Foundation Vision Models via Implicit Learning";
  made.seeded = true;
  made.group = SettingGroup::training;
  made.unit = ScoreUnit::accuracy;
  made.columns = {{"eta", "eta", "rate of the evolution", 3},
                  {"dispersion", "dis", "mean distance of the features to their class means", 2}};
  made.on_gpu = true;
  made.of_company = true;
  made.validates = true;
  made.cost = cost_of_itm;
  made.open = [](DatasetTask task, const RankOptions& options) -> std::unique_ptr<Session> {
    return std::make_unique<ItmSession>(std::move(task), options);
  };
  return made;
}

}  // namespace itm
