#include "session/method.hpp"

#include <fmt/format.h>

#include <cmath>
#include <mutex>
#include <utility>

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
    const std::size_t models = task_.entries.size();
    const std::size_t repeats = estimator_.seeded ? options_.repeats : 1;
    std::vector<std::vector<Scored>> scored(models, std::vector<Scored>(repeats));
    Roster roster(executor, models);
    executor.for_each_model(repeats, [&](std::size_t model, std::size_t repeat) {
      roster.attempt(model, [&] { scored[model][repeat] = score_one(model, options_.seed + repeat); });
      executor.advance(model, 1 / static_cast<double>(repeats));
    });

    std::vector<Scored> means(models);
    std::vector<Scored*> present;
    for (const std::size_t model : roster.present()) {
      means[model] = mean_of(std::move(scored[model]));
      present.push_back(&means[model]);
    }
    if (over_zoo_) {
      over_zoo_(present);
    }
    return roster.outcomes([&](std::size_t model) {
      ScoredModel result;
      result.model = task_.entries[model].model;
      result.score = means[model].score;
      result.tie_break = means[model].tie_break;
      result.details = std::move(means[model].details);
      result.note = std::move(means[model].note);
      return result;
    });
  }

 private:
  Scored score_one(std::size_t model, std::uint64_t seed) {
    const DeviceLease device(*this);
    ModelInput input(device.device(), estimator_, options_, task_.entries[model], task_.labels, seed);
    Scored scored = score_named(input);
    if (!std::isfinite(scored.score)) {
      throw InputError(fmt::format("{}: its {} score is not a finite number; look for extreme values with itm inspect",
                                   input.file(), estimator_.name));
    }
    scored.details["rows"] = input.rows();
    scored.details["dims"] = input.dims();
    scored.details["classes"] = input.classes();
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
        device_ = make_cpu_device(session_.estimator_.float32 ? session_.options_.arithmetic : Arithmetic::float64);
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

  std::mutex idle_guard_;
  std::vector<std::unique_ptr<Device>> idle_;
  Estimator estimator_;
  ScoreModel score_;
  OverZoo over_zoo_;
  DatasetTask task_;
  RankOptions options_;
};

}  // namespace

Estimator model_estimator(const Estimator& about, ScoreModel score, OverZoo over_zoo) {
  Estimator made = about;
  made.open = [about, score = std::move(score), over_zoo = std::move(over_zoo)](
                  DatasetTask task, const RankOptions& options) -> std::unique_ptr<Session> {
    return std::make_unique<MethodSession>(about, score, over_zoo, std::move(task), options);
  };
  return made;
}

}  // namespace itm
