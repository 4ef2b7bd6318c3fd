// ITM over the models of one data set: dispersion of every model, then dis_b and the rates, then one run per model and
// seed.

#include "itm/itm.hpp"

#include <algorithm>
#include <cmath>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/itm_inputs.hpp"
#include "session/kept_rows.hpp"
#include "estimators/registry.hpp"

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
  ItmSession(DatasetTask task, const MethodOptions& options)
      : task_(std::move(task)), options_(options), models_(task_.entries.size()), plans_(options.repeats) {
    options_.itm.validate();
    for (Surveyed& model : models_) {
      model.runs.resize(options_.repeats);
    }
  }

  void survey(std::size_t model) override {
    Surveyed& m = models_[model];
    const Array feature = open_feature(model);
    if (options_.drop_bad_rows) {
      m.kept = drop_bad_rows(feature, task_.labels);
    }
    m.statistics = options_.engine ? options_.engine->measure(features_of(model, [&feature] { return feature; }),
                                                              labels_of(m), options_.itm.standardise)
                                   : measure_features(feature, labels_of(m), options_.itm.standardise, m.kept.rows);
    m.dims = feature.cols();
  }

  void settle(const std::vector<bool>& alive) override {
    double sum = 0;
    double count = 0;
    for (std::size_t i = 0; i < models_.size(); ++i) {
      if (alive[i]) {
        sum += dispersion(models_[i]);
        count += 1;
      }
    }
    const double base = options_.itm.dispersion_base.value_or(count > 0 ? sum / count : 1.0);
    for (Surveyed& m : models_) {
      m.eta = options_.itm.adaptive ? adaptive_rate(options_.itm.eta, base, dispersion(m)) : options_.itm.eta;
    }
    for (std::size_t repeat = 0; repeat < plans_.size(); ++repeat) {
      plans_[repeat] = plan_of(task_.labels, seeded(repeat));
    }
  }

  void score(std::size_t model, std::size_t repeat) override {
    Surveyed& m = models_[model];
    const ItmOptions options = seeded(repeat);
    const Array feature = open_feature(model);
    std::optional<ItmPlan> own_plan;
    if (m.kept.labels) {
      own_plan = make_plan(*m.kept.labels, options);
    }
    ItmObserver observer;
    observer.cancelled = options_.cancelled;
    const ItmParameters initial =
        initial_parameters(m.dims, task_.labels.classes, options.seed, task_.entries[model].model);
    m.runs[repeat] = run_itm(feature, m.statistics, own_plan ? *own_plan : plans_[repeat], options, m.eta, initial,
                             m.kept.rows, observer);
  }

  [[nodiscard]] bool scores_together() const override { return options_.engine != nullptr; }

  /// All models and all seeds in lockstep.
  void score_all(const std::vector<bool>& alive) override {
    std::vector<ItmTask> tasks;
    std::vector<ItmResult*> results;
    std::list<ItmPlan> own_plans;
    for (std::size_t model = 0; model < models_.size(); ++model) {
      Surveyed& m = models_[model];
      for (std::size_t repeat = 0; alive[model] && repeat < plans_.size(); ++repeat) {
        const ItmPlan* plan = &plans_[repeat];
        if (m.kept.labels) {
          plan = &own_plans.emplace_back(plan_of(*m.kept.labels, seeded(repeat)));
        }
        ItmTask task;
        task.features = features_of(model, [this, model] { return open_feature(model); });
        task.statistics = &m.statistics;
        task.plan = plan;
        task.eta = m.eta;
        task.model = task_.entries[model].model;
        task.seed = seeded(repeat).seed;
        task.observer.cancelled = options_.cancelled;
        tasks.push_back(std::move(task));
        results.push_back(&m.runs[repeat]);
      }
    }
    std::vector<ItmResult> done = options_.engine->run(tasks, options_.itm);
    for (std::size_t i = 0; i < done.size(); ++i) {
      *results[i] = std::move(done[i]);
    }
  }

  std::vector<ScoredModel> finish(const std::vector<bool>& alive) override {
    std::vector<ScoredModel> scored(models_.size());
    for (std::size_t i = 0; i < models_.size(); ++i) {
      scored[i].model = task_.entries[i].model;
      if (!alive[i]) {
        continue;
      }
      const auto repeats = static_cast<double>(models_[i].runs.size());
      double loss = 0;
      for (const ItmResult& run : models_[i].runs) {
        scored[i].score += run.best.accuracy / repeats;
        loss += run.best.loss / repeats;
      }
      scored[i].tie_break = -loss;
      scored[i].details = details(models_[i], loss);
    }
    return scored;
  }

 private:
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

  [[nodiscard]] ItmPlan plan_of(const Labels& labels, const ItmOptions& options) const {
    return options_.engine ? options_.engine->plan(labels, options) : make_plan(labels, options);
  }

  [[nodiscard]] const Labels& labels_of(const Surveyed& m) const { return m.kept.labels_or(task_.labels); }

  [[nodiscard]] double dispersion(const Surveyed& m) const {
    return options_.itm.dispersion_per_sqrt_dim && m.dims > 0
               ? m.statistics.dispersion / std::sqrt(static_cast<double>(m.dims))
               : m.statistics.dispersion;
  }

  [[nodiscard]] ItmOptions seeded(std::size_t repeat) const {
    ItmOptions options = options_.itm;
    options.seed += repeat;
    return options;
  }

  [[nodiscard]] std::string details(const Surveyed& m, double loss) const {
    nlohmann::json json;
    json["eta"] = m.eta;
    json["dispersion"] = m.statistics.dispersion;
    json["feature_mean"] = m.statistics.feature_mean;
    json["feature_variance"] = m.statistics.feature_variance;
    json["dims"] = m.dims;
    json["rows"] = labels_of(m).values.size();
    json["classes"] = task_.labels.classes;
    json["dropped_rows"] = task_.labels.values.size() - labels_of(m).values.size();
    json["constant_columns"] = m.statistics.constant_columns;
    json["recurrence"] = name_of(m.runs.front().recurrence);
    json["validation_loss"] = loss;
    json["best_iteration"] = m.runs.front().best.iteration;
    json["curve"] = nlohmann::json::array();
    for (const Checkpoint& point : m.runs.front().curve) {
      json["curve"].push_back({{"iteration", point.iteration}, {"accuracy", point.accuracy}, {"loss", point.loss}});
    }
    if (m.runs.size() > 1) {
      for (const ItmResult& run : m.runs) {
        json["repeats"].push_back({{"accuracy", run.best.accuracy}, {"loss", run.best.loss}});
      }
    }
    return json.dump();
  }

  DatasetTask task_;
  MethodOptions options_;
  std::vector<Surveyed> models_;
  std::vector<ItmPlan> plans_;
};

}  // namespace

Estimator itm_estimator() {
  Estimator made;
  made.name = "itm";
  made.description = "Implicit Transferability Modeling: trains a linear latent under the evolution of eq. 7";
  made.citation = "Generalizable Transferability Estimation of Foundation Vision Models via Implicit Learning";
  made.seeded = true;
  made.open = [](DatasetTask task, const MethodOptions& options) -> std::unique_ptr<Session> {
    return std::make_unique<ItmSession>(std::move(task), options);
  };
  return made;
}

}  // namespace itm
