// Ranks a zoo: every (data set, method) is a session, and the units of all sessions share one pool of threads.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <numeric>

#include "core/text.hpp"
#include "core/work_pool.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"

namespace itm {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One session with what the driver knows about its models. A vector<char> and not <bool>: threads write their own
/// element.
struct Running {
  std::string dataset;
  std::string method;
  std::vector<ZooEntry> entries;
  std::unique_ptr<Session> session;
  std::vector<char> alive;
  std::vector<std::string> failure;
  std::vector<std::vector<double>> seconds;  ///< [model][0] survey, [1 + repeat] score

  [[nodiscard]] std::vector<bool> alive_flags() const { return {alive.begin(), alive.end()}; }
};

struct Unit {
  std::size_t session;
  std::size_t model;
  std::size_t slot;  ///< 0 survey, 1 + repeat score
  std::uintmax_t bytes;
};

class Ranking {
 public:
  Ranking(const Zoo& zoo, const RankOptions& options) : zoo_(zoo), options_(options) {}

  RankReport run() {
    const Clock::time_point start = Clock::now();
    open_sessions();
    total_ = survey_units().size() + score_units().size();
    run_units(survey_units());
    for (Running& r : sessions_) {
      r.session->settle(r.alive_flags());
    }
    for (Running& r : sessions_) {
      if (r.session->scores_together()) {
        score_together(r);
      }
    }
    run_units(score_units());

    RankReport report;
    report.threads = options_.threads;
    report.failures = failures_;
    report.skipped = skipped_;
    for (Running& r : sessions_) {
      report.results.push_back(collect(r, report.failures));
    }
    const bool any = std::any_of(report.results.begin(), report.results.end(),
                                 [](const RankedDataset& result) { return !result.models.empty(); });
    if (!any && !report.failures.empty()) {
      throw InputError(fmt::format("no model could be ranked; the first failure: {}", report.failures.front().message));
    }
    report.seconds = seconds_since(start);
    return report;
  }

 private:
  void open_sessions() {
    const std::vector<std::string> names = options_.datasets.empty() ? zoo_.dataset_names() : options_.datasets;
    for (const std::string& dataset : names) {
      const DatasetTask task = make_task(dataset);
      for (const std::string& method : options_.methods) {
        open_session(find_estimator(method), task);
      }
    }
  }

  /// A session over the entries that have what the method reads.
  void open_session(const Estimator& estimator, const DatasetTask& task) {
    DatasetTask usable = task;
    std::erase_if(usable.entries, [&](const ZooEntry& entry) { return !estimator.missing_input(entry).empty(); });
    if (usable.entries.empty()) {
      const std::string missing = estimator.missing_input(task.entries.front());
      if (!options_.skip_methods_without_inputs) {
        throw InputError(
            fmt::format("{} of {}: {} needs {}", task.entries.front().model, task.dataset, estimator.name, missing));
      }
      skipped_.push_back({task.dataset, "", estimator.name, "no " + missing});
      return;
    }
    for (const ZooEntry& entry : task.entries) {
      const std::string missing = estimator.missing_input(entry);
      if (!missing.empty()) {
        skipped_.push_back({task.dataset, entry.model, estimator.name, "no " + missing});
      }
    }
    Running r;
    r.dataset = task.dataset;
    r.method = estimator.name;
    r.entries = usable.entries;
    r.alive.assign(usable.entries.size(), 1);
    r.failure.resize(usable.entries.size());
    r.seconds.assign(usable.entries.size(), std::vector<double>(1 + repeats_of(estimator)));
    r.session = estimator.open(std::move(usable), options_.method);
    sessions_.push_back(std::move(r));
  }

  /// Seeds change nothing for a method without random numbers.
  [[nodiscard]] std::size_t repeats_of(const Estimator& estimator) const {
    return estimator.seeded ? options_.method.repeats : 1;
  }

  /// The entries of a data set that have its labels. The first readable label file decides; another that differs is a
  /// failure.
  DatasetTask make_task(const std::string& dataset) {
    DatasetTask task;
    task.dataset = dataset;
    std::string reference;
    for (const ZooEntry& entry : zoo_.entries(dataset)) {
      if (entry.target) {
        task.entries.push_back(entry);  // regression: there are no labels to share
        continue;
      }
      try {
        Labels labels = read_labels(entry.label);
        if (task.entries.empty()) {
          task.labels = std::move(labels);
          reference = entry.label.file.string();
        } else if (labels.values != task.labels.values) {
          throw InputError(
              fmt::format("{}: labels differ from {}; all models of a data set need the same images in the same order",
                          entry.label.file.string(), reference));
        }
        task.entries.push_back(entry);
      } catch (const InputError& error) {
        if (!options_.keep_going) {
          throw;
        }
        failures_.push_back({dataset, entry.model, "", error.what()});
      }
    }
    if (task.entries.empty()) {
      throw InputError(failures_.empty()
                           ? fmt::format("{}: no model has features for {}", zoo_.directory.string(), dataset)
                           : failures_.back().message);
    }
    return task;
  }

  [[nodiscard]] std::vector<Unit> survey_units() const {
    std::vector<Unit> units;
    for (std::size_t s = 0; s < sessions_.size(); ++s) {
      for (std::size_t m = 0; m < sessions_[s].entries.size(); ++m) {
        units.push_back({s, m, 0, size_of_file(sessions_[s].entries[m])});
      }
    }
    return largest_first(std::move(units));
  }

  [[nodiscard]] std::vector<Unit> score_units() const {
    std::vector<Unit> units;
    for (Unit unit : survey_units()) {
      if (sessions_[unit.session].session->scores_together()) {
        continue;
      }
      const std::size_t slots = sessions_[unit.session].seconds[unit.model].size();
      for (unit.slot = 1; unit.slot < slots; ++unit.slot) {
        units.push_back(unit);
      }
    }
    return units;
  }

  static std::uintmax_t size_of_file(const ZooEntry& entry) {
    std::error_code ignored;
    const std::uintmax_t bytes = std::filesystem::file_size(entry.feature.file, ignored);
    return ignored ? 0 : bytes;
  }

  /// Long units first, so that no thread is left alone with one at the end.
  static std::vector<Unit> largest_first(std::vector<Unit> units) {
    std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.bytes > b.bytes; });
    return units;
  }

  void run_units(const std::vector<Unit>& units) {
    for_each_unit(units.size(), options_.threads, [&](std::size_t i) {
      const Unit& unit = units[i];
      if (options_.method.cancelled && options_.method.cancelled()) {
        throw Interrupted();
      }
      run_unit(sessions_[unit.session], unit);
      const std::lock_guard lock(progress_guard_);
      ++done_;
      if (options_.progress) {
        options_.progress(done_, total_);
      }
    });
  }

  void run_unit(Running& r, const Unit& unit) const {
    const Clock::time_point start = Clock::now();
    try {
      if (unit.slot == 0) {
        r.session->survey(unit.model);
      } else if (is_alive(r, unit.model)) {
        r.session->score(unit.model, unit.slot - 1);
      }
    } catch (const InputError& error) {
      if (!options_.keep_going) {
        throw;
      }
      mark_failed(r, unit.model, error.what());
    }
    r.seconds[unit.model][unit.slot] = seconds_since(start);
  }

  /// The models of a session at once; each is charged an equal share of the time.
  void score_together(Running& r) {
    const std::vector<bool> alive = r.alive_flags();
    const auto count = static_cast<std::size_t>(std::count(alive.begin(), alive.end(), true));
    if (count == 0) {
      return;
    }
    const Clock::time_point start = Clock::now();
    r.session->score_all(alive);
    for (std::size_t m = 0; m < alive.size(); ++m) {
      r.seconds[m][1] = alive[m] ? seconds_since(start) / static_cast<double>(count) : 0;
    }
    done_ += alive.size() * (r.seconds.front().size() - 1);
    if (options_.progress) {
      options_.progress(done_, total_);
    }
  }

  // Two repeats of one model may run at the same time, so the flags are behind the lock.
  bool is_alive(const Running& r, std::size_t model) const {
    const std::lock_guard lock(failure_guard_);
    return r.alive[model] != 0;
  }
  void mark_failed(Running& r, std::size_t model, const char* message) const {
    const std::lock_guard lock(failure_guard_);
    r.alive[model] = 0;
    r.failure[model] = message;
  }

  RankedDataset collect(Running& r, std::vector<Failure>& failures) const {
    RankedDataset result;
    result.dataset = r.dataset;
    result.method = r.method;
    std::vector<ScoredModel> scored = r.session->finish(r.alive_flags());
    for (std::size_t m = 0; m < scored.size(); ++m) {
      if (r.alive[m] == 0) {
        failures.push_back({r.dataset, r.entries[m].model, r.method, r.failure[m]});
        continue;
      }
      scored[m].seconds = std::accumulate(r.seconds[m].begin(), r.seconds[m].end(), 0.0);
      result.seconds += scored[m].seconds;
      result.models.push_back(std::move(scored[m]));
    }
    assign_ranks(result);
    return result;
  }

  const Zoo& zoo_;
  const RankOptions& options_;
  std::vector<Running> sessions_;
  std::vector<Failure> failures_;
  std::vector<Failure> skipped_;
  std::mutex progress_guard_;
  mutable std::mutex failure_guard_;
  std::size_t done_ = 0;
  std::size_t total_ = 0;
};

}  // namespace

RankReport rank_zoo(const Zoo& zoo, const RankOptions& options) {
  if (options.method.repeats == 0) {
    throw InputError("--repeats is 0; it must be at least 1");
  }
  return Ranking(zoo, options).run();
}

}  // namespace itm
