// Ranks a zoo: every (data set, method) is a session, and the units of all sessions share one pool of threads.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>

#include "backend/backend.hpp"
#include "core/precision_name.hpp"
#include "core/text.hpp"
#include "core/work_pool.hpp"
#include "io/cut_files.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "linalg/blas.hpp"
#include "ranking/account.hpp"
#include "ranking/chosen_methods.hpp"
#include "ranking/dataset_task.hpp"
#include "ranking/remarks.hpp"

namespace itm {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// What of all sessions is done, and who is told.
class Ledger {
 public:
  explicit Ledger(const RankOptions& options) : options_(options) {}

  /// A session, by its number in the account, with `units` scores to come.
  std::size_t open(double seconds, std::size_t units) {
    units_ += units;
    return account_.add(seconds);
  }
  /// `change` tells the account of work on a model, by which `units` of its scores are finished.
  template <typename Change>
  void write(const std::string& method, const std::string& model, std::size_t units, Change change) {
    const std::lock_guard lock(guard_);
    change(account_);
    finished_ += units;
    if (options_.progress) {
      const double left = seconds_since(start_) * account_.left_of_passed();
      options_.progress({finished_, units_, finished_ == units_ ? 1.0 : account_.share(), left, method, model});
    }
  }

 private:
  const RankOptions& options_;
  std::mutex guard_;
  Clock::time_point start_ = Clock::now();
  Account account_;
  std::size_t units_ = 0;
  std::size_t finished_ = 0;
};

/// When this thread began its unit of work, or last told of it.
thread_local std::optional<Clock::time_point> told;

/// A unit of work on this thread, timed.
class Timed {
 public:
  Timed() { told = Clock::now(); }
  ~Timed() { told.reset(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
};

/// One session and its share of the account.
class Running final : public Executor {
 public:
  Running(const Estimator& estimator, DatasetTask task, const std::map<std::string, Workload>& work,
          const RankOptions& options, Ledger& ledger)
      : estimator_(estimator),
        dataset_(task.dataset),
        about_(about(task)),
        entries_(task.entries),
        options_(options),
        ledger_(ledger),
        share_(entries_.size()) {
    for (const ZooEntry& entry : entries_) {
      cost_.push_back(estimator.cost_of(work.at(entry.model), options).seconds);
    }
    const double seconds = std::accumulate(cost_.begin(), cost_.end(), 0.0);
    number_ = ledger_.open(seconds, entries_.size() * repeats());
    expected_ = {dataset_, estimator.name, entries_.size(), work.at(entries_.front().model).rows, seconds};
    session_ = estimator.open(std::move(task), options);
  }

  [[nodiscard]] const Estimator& estimator() const { return estimator_; }
  [[nodiscard]] const ExpectedWork& expected() const { return expected_; }

  void run(WorkPool& pool, ItmEngine* engine) {
    pool_ = &pool;
    engine_ = estimator_.on_gpu ? engine : nullptr;
    outcomes_ = session_->score(*this);
    for (std::size_t m = 0; m < entries_.size(); ++m) {
      const double spared = 1 - share_[m];  // by a model that failed, or by rounding
      finish(m, spared, [&](Account& account) { account.spare(number_, spared * cost_[m]); });
    }
    session_.reset();
  }

  /// The scored models, ranked; the others become failures.
  RankedDataset collect(std::vector<Failure>& failures) {
    RankedDataset result;
    result.dataset = dataset_;
    result.method = estimator_.name;
    result.place = {engine_ != nullptr ? "cuda" : "cpu", engine_ != nullptr ? engine_->device() : blas::description(),
                    std::string(name_of(estimator_.precision(options_)))};
    for (std::size_t m = 0; m < outcomes_.size(); ++m) {
      if (!outcomes_[m].is_scored()) {
        failures.push_back({dataset_, entries_[m].model, estimator_.name, outcomes_[m].failure});
        continue;
      }
      result.seconds += outcomes_[m].scored.seconds;
      result.models.push_back(std::move(outcomes_[m].scored));
    }
    assign_ranks(result);
    add_remarks(result, estimator_, about_, options_);
    return result;
  }

  // ---- Executor

  void for_each_model(std::size_t repeats, const std::function<void(std::size_t, std::size_t)>& work) override {
    std::vector<std::size_t> order(entries_.size());  // or one thread would be left alone with a long one at the end
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return cost_[a] > cost_[b]; });
    pool_->for_each(order.size() * repeats, [&](std::size_t i) {
      if (options_.cancelled && options_.cancelled()) {
        throw Interrupted();
      }
      const Timed unit;
      work(order[i / repeats], i % repeats);
    });
  }
  [[nodiscard]] bool keeps_going() const override { return options_.keep_going; }
  void read(std::size_t model, const std::function<void()>& work) override {
    const ZooEntry& entry = entries_[model];
    std::vector<std::filesystem::path> files{entry.feature.file};
    for (const auto& ref : {entry.output, entry.source, entry.target}) {
      if (ref) {
        files.push_back(ref->file);
      }
    }
    io::read_whole(files, work);
  }
  void advance(std::size_t model, double share) override {
    finish(model, share, [&](Account& account) {
      const double expected = share * cost_[model];
      if (told) {  // the engine tells of all models of a wave from a thread that has no unit
        account.finish(number_, expected, seconds_since(*told));
        told = Clock::now();
      } else {
        account.finish(number_, expected);
      }
    });
  }
  [[nodiscard]] ItmEngine* engine() const override { return engine_; }

 private:
  /// Seeds change nothing for a method without random numbers.
  [[nodiscard]] std::size_t repeats() const { return estimator_.seeded ? options_.repeats : 1; }

  /// `share` of a model's work is done or spared.
  template <typename Change>
  void finish(std::size_t model, double share, Change change) {
    std::size_t units = 0;
    {
      const std::lock_guard lock(guard_);
      const auto finished = [&] {
        return static_cast<std::size_t>(std::floor(share_[model] * static_cast<double>(repeats()) + 1e-6));
      };
      const std::size_t before = finished();
      share_[model] += share;
      units = finished() - before;
    }
    ledger_.write(estimator_.name, entries_[model].model, units, change);
  }

  const Estimator& estimator_;
  std::string dataset_;
  ScoredRows about_;
  std::vector<ZooEntry> entries_;
  const RankOptions& options_;
  Ledger& ledger_;
  std::size_t number_ = 0;  ///< in the account
  std::vector<double> cost_;
  ExpectedWork expected_;
  std::unique_ptr<Session> session_;
  WorkPool* pool_ = nullptr;
  ItmEngine* engine_ = nullptr;
  std::vector<Outcome> outcomes_;
  std::mutex guard_;
  std::vector<double> share_;  ///< of each model's work that is done
};

class Ranking {
 public:
  Ranking(const Zoo& zoo, const RankOptions& options)
      : zoo_(zoo),
        options_(options),
        methods_(chosen_methods(options.method)),
        all_(std::find(options.method.begin(), options.method.end(), "all") != options.method.end()),
        ledger_(options) {}

  RankReport run() {
    const Clock::time_point start = Clock::now();
    for (const Estimator* method : methods_) {
      require_device(*method, options_.device);
    }
    open_sessions();
    if (sessions_.empty()) {
      throw InputError(lacking_);
    }
    if (options_.expected) {
      std::for_each(sessions_.begin(), sessions_.end(), [&](const auto& s) { options_.expected(s->expected()); });
    }
    const std::shared_ptr<ItmEngine> engine = engine_for_sessions();
    WorkPool pool(options_.threads);
    pool.for_each(sessions_.size(), [&](std::size_t s) { sessions_[s]->run(pool, engine.get()); });

    io::refuse_any_cut();  // what was read for several models at once, or found by a method itself
    RankReport report;
    report.threads = options_.threads;
    report.failures = failures_;
    report.skipped = skipped_;
    for (const auto& session : sessions_) {
      report.results.push_back(session->collect(report.failures));
    }
    say_each_once(report.failures);
    const bool any = std::any_of(report.results.begin(), report.results.end(),
                                 [](const RankedDataset& result) { return !result.models.empty(); });
    if (!any && !report.failures.empty()) {
      throw InputError(fmt::format("no model could be ranked; the first failure: {}", report.failures.front().message));
    }
    report.backend = backend_of(report.results);
    report.seconds = seconds_since(start);
    return report;
  }

 private:
  /// What keeps a model from several methods is one failure, which names them.
  static void say_each_once(std::vector<Failure>& failures) {
    std::vector<Failure> merged;
    for (Failure& failure : failures) {
      const auto same = std::find_if(merged.begin(), merged.end(), [&](const Failure& other) {
        return other.dataset == failure.dataset && other.model == failure.model && other.message == failure.message;
      });
      if (same == merged.end()) {
        merged.push_back(std::move(failure));
      } else {
        same->method += ", " + failure.method;
      }
    }
    failures = std::move(merged);
  }

  /// "cpu", "cuda", or "cuda, cpu" where methods differ.
  static std::string backend_of(const std::vector<RankedDataset>& results) {
    const auto any = [&](const std::string& name) {
      return std::any_of(results.begin(), results.end(),
                         [&](const RankedDataset& r) { return r.place.backend == name; });
    };
    return !any("cuda") ? "cpu" : any("cpu") ? "cuda, cpu" : "cuda";
  }

  /// The caller's engine, or one of our own where a method runs on a GPU and `device` allows it.
  std::shared_ptr<ItmEngine> engine_for_sessions() const {
    const bool wanted =
        std::any_of(sessions_.begin(), sessions_.end(), [](const auto& s) { return s->estimator().on_gpu; });
    if (!wanted || options_.device == Backend::cpu) {
      return nullptr;
    }
    if (options_.engine) {
      return options_.engine;
    }
    return open_engine(options_.device, options_.engine_options);
  }

  void open_sessions() {
    const std::vector<std::string> names = options_.datasets.empty() ? zoo_.dataset_names() : options_.datasets;
    for (const std::string& dataset : names) {
      const DatasetTask task = make_task(zoo_, dataset, options_, failures_);
      std::map<std::string, Workload> work;
      for (const ZooEntry& entry : task.entries) {
        work[entry.model] = workload_of(entry, task);
      }
      for (const Estimator* method : methods_) {
        open_session(*method, task, work);
      }
    }
  }

  /// The method scores no model of the data set: its fault where it was asked for by name.
  void refuse_or_skip(const Estimator& estimator, const DatasetTask& task, const std::string& why,
                      const std::string& sentence) {
    lacking_ = sentence;
    if (!all_ && !options_.keep_going) {
      throw InputError(lacking_);
    }
    skipped_.push_back({task.dataset, "", estimator.name, why.empty() ? "no class labels" : why});
  }

  static std::string kind_not_taken(const Estimator& estimator, const DatasetTask& task) {
    const TargetKind kind = task.kind();
    return fmt::format("{}: holds {}, which {} does not score; {} do", path_text(task.entries.front().target->file),
                       kind == TargetKind::labels ? "several labels a row (zeros and ones)" : "numbers to be predicted",
                       estimator.name, methods_for({kind}));
  }

  /// A session over the entries that have what the method reads.
  void open_session(const Estimator& estimator, const DatasetTask& task, const std::map<std::string, Workload>& work) {
    if (!estimator.inputs.takes(task.kind())) {
      refuse_or_skip(estimator, task, "", kind_not_taken(estimator, task));
      return;
    }
    DatasetTask usable = task;
    std::erase_if(usable.entries, [&](const ZooEntry& entry) { return !estimator.missing_input(entry).empty(); });
    if (usable.entries.empty()) {
      const std::string missing = estimator.missing_input(task.entries.front());
      refuse_or_skip(estimator, task, "no " + missing,
                     fmt::format("{} of {}: {} needs {}", printable(task.entries.front().model, 200),
                                 printable(task.dataset, 200), estimator.name, missing));
      return;
    }
    for (const ZooEntry& entry : task.entries) {
      const std::string missing = estimator.missing_input(entry);
      if (!missing.empty()) {
        skipped_.push_back({task.dataset, entry.model, estimator.name, "no " + missing});
      }
    }
    sessions_.push_back(std::make_unique<Running>(estimator, std::move(usable), work, options_, ledger_));
  }

  const Zoo& zoo_;
  const RankOptions& options_;
  std::vector<const Estimator*> methods_;
  bool all_;  ///< methods that no model has the inputs for are left out instead of refused
  Ledger ledger_;
  std::vector<std::unique_ptr<Running>> sessions_;
  std::vector<Failure> failures_;
  std::vector<Failure> skipped_;
  std::string lacking_;  ///< what the last session that could not be opened lacks
};

}  // namespace

void require_device(const Estimator& estimator, Backend device) {
  if (device == Backend::cuda && !estimator.on_gpu) {
    throw DeviceError(fmt::format("{} has no GPU path; pass --backend auto or cpu", estimator.name));
  }
}

Workload workload_of(const ZooEntry& entry, const Labels& labels) {
  Workload work;
  work.classes = static_cast<double>(std::max<std::size_t>(labels.classes, 1));
  work.rows = static_cast<double>(labels.values.size());
  if (entry.feature.file.extension() == ".npz" && work.rows > 0) {  // its shape is known once it is unpacked
    std::error_code ignored;
    work.bytes = static_cast<double>(std::filesystem::file_size(entry.feature.file, ignored));
    work.dims = ignored ? 0 : work.bytes / (sizeof(float) * work.rows);
    return work;
  }
  try {
    const Array feature = entry.feature.read();
    work.rows = static_cast<double>(feature.rows());
    work.dims = static_cast<double>(feature.cols());
    work.bytes = static_cast<double>(feature.bytes());
  } catch (const InputError&) {  // whoever scores it says what is wrong with it
  }
  return work;
}

Workload workload_of(const ZooEntry& entry, const DatasetTask& task) {
  Workload work = workload_of(entry, task.labels);
  if (task.targets) {
    work.classes = static_cast<double>(task.targets->count);
  }
  return task.rows.empty() ? work : work.limited_to(static_cast<double>(task.rows.size()));
}

RankReport rank_zoo(const Zoo& zoo, const RankOptions& options) {
  if (options.repeats == 0) {
    throw InputError("--repeats is 0; it must be at least 1");
  }
  return Ranking(zoo, options).run();
}

}  // namespace itm
