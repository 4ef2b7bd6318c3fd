#include "session/method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

#include "core/statistics.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"
#include "session/roster.hpp"

namespace itm {
namespace {

class MethodSession final : public Session {
 public:
  MethodSession(Estimator estimator, ScoreModel score, OverZoo over_zoo, DatasetTask task, RankOptions options)
      : estimator_(std::move(estimator)),
        score_(std::move(score)),
        over_zoo_(std::move(over_zoo)),
        task_(std::move(task)),
        options_(std::move(options)) {}

  std::vector<Outcome> score(Executor& executor) override {
    engine_ = executor.engine();
    const std::size_t models = task_.entries.size();
    const std::size_t repeats = estimator_.seeded ? options_.repeats : 1;
    const std::size_t groups = jackknife_groups();
    std::vector<std::vector<Scored>> scored(models, std::vector<Scored>(repeats));
    std::vector<std::vector<std::optional<Scored>>> without(groups, std::vector<std::optional<Scored>>(models));
    Roster roster(executor, models);
    executor.for_each_model(repeats + groups, [&](std::size_t model, std::size_t unit) {
      roster.attempt(model, [&] {
        if (unit < repeats) {
          scored[model][unit] = score_one(model, options_.seed + unit, std::nullopt);
        } else {
          without[unit - repeats][model] = score_without(model, {unit - repeats, groups});
        }
      });
      executor.advance(model, 1 / static_cast<double>(repeats + groups));
    });

    const std::vector<std::size_t> present = roster.present();
    std::vector<Scored> means(models);
    for (const std::size_t model : present) {
      means[model] = mean_of(std::move(scored[model]));
    }
    over_zoo(present, [&](std::size_t model) { return &means[model]; });
    std::vector<std::vector<double>> replicates = replicates_of(present, without);
    return roster.outcomes([&](std::size_t model) {
      Scored& mean = means[model];
      ScoredModel result;
      result.model = task_.entries[model].model;
      result.score = mean.score;
      result.tie_break = mean.tie_break;
      result.error = mean.error;
      result.error_from = std::move(mean.error_from);
      if (!replicates.empty()) {
        result.error = jackknife_error(replicates[model]);
        result.error_from = fmt::format("{} groups of rows left out in turn", groups);
        result.replicates = std::move(replicates[model]);
      }
      result.details = std::move(mean.details);
      result.note = std::move(mean.note);
      return result;
    });
  }

 private:
  [[nodiscard]] std::size_t jackknife_groups() const {
    RankOptions one_score = options_;
    one_score.repeats = 1;
    one_score.jackknife = 0;
    double longest = 0;
    for (const ZooEntry& entry : task_.entries) {
      longest = std::max(longest, estimator_.cost_of(workload_of(entry, task_), one_score).seconds);
    }
    return estimator_.jackknife_groups(longest, options_);
  }

  /// The score without a group of rows; nothing where the method cannot do without them.
  std::optional<Scored> score_without(std::size_t model, const LeaveOut& group) {
    try {
      return score_one(model, options_.seed, group);
    } catch (const InputError&) {
      return std::nullopt;
    }
  }

  /// What the method does over the zoo, with one Scored for each of the models.
  template <typename Of>
  void over_zoo(const std::vector<std::size_t>& models, const Of& scored_of) const {
    std::vector<Scored*> all;
    std::transform(models.begin(), models.end(), std::back_inserter(all), scored_of);
    if (over_zoo_) {
      over_zoo_(all);
    }
  }

  /// [model][group]; nothing where one of the scores is missing.
  std::vector<std::vector<double>> replicates_of(const std::vector<std::size_t>& present,
                                                 std::vector<std::vector<std::optional<Scored>>>& without) const {
    std::vector<std::vector<double>> replicates(task_.entries.size());
    for (auto& group : without) {
      if (std::any_of(present.begin(), present.end(), [&](std::size_t model) { return !group[model]; })) {
        return {};
      }
      over_zoo(present, [&](std::size_t model) { return &*group[model]; });
      for (const std::size_t model : present) {
        replicates[model].push_back(group[model]->score);
      }
    }
    return without.empty() ? std::vector<std::vector<double>>() : replicates;
  }

  Scored score_one(std::size_t model, std::uint64_t seed, const std::optional<LeaveOut>& left_out) {
    const DeviceLease device(*this);
    ModelInput input(device.device(), estimator_, options_, task_, task_.entries[model], seed, left_out);
    Scored scored = score_named(input);
    if (!std::isfinite(scored.score)) {
      throw InputError(fmt::format("{}: its {} score is not a finite number; look for extreme values with itm inspect",
                                   input.file(), estimator_.name));
    }
    if (estimator_.unit != ScoreUnit::number) {
      const std::size_t rows = estimator_.validates ? input.validated_rows() : input.rows();
      const double scale = estimator_.unit == ScoreUnit::percent ? 100 : 1;
      if (!scored.error) {
        scored.error = scale * binomial_error(scored.score / scale, static_cast<double>(rows));
      }
      if (scored.error_from.empty()) {
        scored.error_from = plural(rows, estimator_.validates && input.has_split() ? "validation row" : "row");
      }
    }
    if (input.dropped_rows() > 0) {
      scored.details["dropped_rows"] = input.dropped_rows();
    }
    scored.details["rows"] = input.rows();
    scored.details["dims"] = input.dims();
    if (input.kind() == TargetKind::classes) {
      scored.details["classes"] = input.classes();
    } else {
      scored.details["targets"] = input.target_count();
    }
    return scored;
  }

  /// The method's score; errors of arithmetic get the name of the file.
  Scored score_named(ModelInput& input) const {
    try {
      return score_(input);
    } catch (const NumericError& error) {
      throw InputError(fmt::format("{}: {}", input.file(), error.what()));
    }
  }

  /// Details are those of the first seed, with the scores of all.
  static Scored mean_of(std::vector<Scored> repeats) {
    Scored mean = std::move(repeats.front());
    if (repeats.size() > 1) {
      const auto count = static_cast<double>(repeats.size());
      std::vector<double> scores{mean.score};
      mean.score /= count;
      mean.tie_break /= count;
      for (std::size_t i = 1; i < repeats.size(); ++i) {
        mean.score += repeats[i].score / count;
        mean.tie_break += repeats[i].tie_break / count;
        scores.push_back(repeats[i].score);
      }
      mean.details["repeats"] = scores;
    }
    return mean;
  }

  /// A device for one unit of work. Devices are handed on to later units, with the memory that they hold.
  class DeviceLease {
   public:
    explicit DeviceLease(MethodSession& session) : session_(session) {
      const std::lock_guard lock(session_.idle_guard_);
      if (!session_.idle_.empty()) {
        device_ = std::move(session_.idle_.back());
        session_.idle_.pop_back();
      } else {
        const Arithmetic arithmetic = session_.estimator_.float32 ? session_.options_.arithmetic : Arithmetic::float64;
        device_ = session_.engine_ != nullptr ? session_.engine_->make_device(arithmetic) : make_cpu_device(arithmetic);
      }
    }
    ~DeviceLease() {
      const std::lock_guard lock(session_.idle_guard_);
      session_.idle_.push_back(std::move(device_));
    }
    DeviceLease(const DeviceLease&) = delete;
    DeviceLease& operator=(const DeviceLease&) = delete;
    [[nodiscard]] Device& device() const { return *device_; }

   private:
    MethodSession& session_;
    std::unique_ptr<Device> device_;
  };

  ItmEngine* engine_ = nullptr;  ///< of the device that the models are scored on; null: the CPU
  std::mutex idle_guard_;
  std::vector<std::unique_ptr<Device>> idle_;
  Estimator estimator_;
  ScoreModel score_;
  OverZoo over_zoo_;
  DatasetTask task_;
  RankOptions options_;
};

}  // namespace

void add_scaled_detail(const std::vector<Scored*>& models, const char* detail, double weight) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Scored* model : models) {
    low = std::min(low, model->details.number(detail).value());
    high = std::max(high, model->details.number(detail).value());
  }
  for (Scored* model : models) {
    model->score += high > low ? weight * (model->details.number(detail).value() - low) / (high - low) : 0;
  }
}

Estimator model_estimator(const Estimator& about, ScoreModel score, OverZoo over_zoo) {
  Estimator made = about;
  made.jackknifed = true;
  made.on_gpu = true;  // in operations of a Device, which may be either
  made.open = [about = made, score = std::move(score), over_zoo = std::move(over_zoo)](
                  DatasetTask task, const RankOptions& options) -> std::unique_ptr<Session> {
    return std::make_unique<MethodSession>(about, score, over_zoo, std::move(task), options);
  };
  return made;
}

}  // namespace itm
