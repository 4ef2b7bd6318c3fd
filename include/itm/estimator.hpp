#pragma once
// The interface that every system implements, and the registry that makes a new one a single file and a single line.
// A session scores the models of one data set on an executor and returns an outcome for each: how it goes about that,
// model by model or all in lockstep, and what it needs to know of the whole zoo first, is its own business.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "itm/device.hpp"
#include "itm/engine.hpp"
#include "itm/itm.hpp"
#include "itm/report.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// `published`: the arithmetic of the published code, quirks included. `exact`: the mathematically intended one where
/// the two differ (docs/methods.md says where).
enum class Variant : std::uint8_t { published, exact };

/// A value of an option of one method: a number, or one of a few words.
using SettingValue = std::variant<double, std::string>;

/// An option of one method, `--<method>-<name>` on the command line (those of ITM and those that methods share:
/// `--<name>`).
struct Setting {
  std::string name;                                       ///< of the option, without the method's
  SettingValue standard;                                  ///< the default; NaN: none
  std::string help;                                       ///< one line
  double low = 0;                                         ///< numbers: the range
  double high = std::numeric_limits<double>::infinity();  ///< numbers: the end of the range, included
  bool above_low = false;                                 ///< numbers: `low` itself is refused
  bool whole = false;                                     ///< numbers: no fractions
  std::vector<std::string> words{};                       ///< words: the choices; empty: any text, such as a file
};

/// Names of methods: one, several, or "all".
class MethodList : public std::vector<std::string> {
 public:
  /// From one name or several.
  ///@{
  MethodList(const char* name) : vector{name} {}             // NOLINT(google-explicit-constructor): {.method = "logme"}
  MethodList(std::string name) : vector{std::move(name)} {}  // NOLINT(google-explicit-constructor)
  MethodList(std::vector<std::string> names) : vector(std::move(names)) {}  // NOLINT(google-explicit-constructor)
  MethodList(std::initializer_list<std::string> names) : vector(names) {}
  ///@}
};

/// How far a ranking is, by the cost that the methods expect; `left` by what they have taken so far as well.
struct RankProgress {
  std::size_t done = 0;   ///< models scored, over all methods, data sets and repeats
  std::size_t total = 0;  ///< to be scored
  double work = 0;        ///< share that is done, in [0, 1]; never falls
  double left = 0;        ///< seconds from now on
  std::string method;     ///< whose model was finished last
  std::string model;      ///< its name
};

/// What a method is expected to take on one data set, by its own cost.
struct ExpectedWork {
  std::string dataset;     ///< its name
  std::string method;      ///< by its name
  std::size_t models = 0;  ///< that it scores
  double rows = 0;         ///< that are scored of each
  double seconds = 0;      ///< of all models, on one core
};

/// Everything that a ranking can be told; each method reads what it knows.
struct RankOptions {
  MethodList method{"itm"};             ///< which ones
  std::vector<std::string> datasets{};  ///< empty: all
  std::uint64_t seed = 0;               ///< of every draw
  Backend device = Backend::automatic;  ///< cuda: an error where a method or this machine cannot
  int threads = 1;                      ///< results do not depend on it
  std::size_t repeats = 1;              ///< seeds seed, seed + 1, ...; the score is their mean
  bool drop_bad_rows = false;           ///< drop rows with NaN or infinity instead of refusing the file
  std::size_t drop_rare_classes = 0;    ///< leave out classes with fewer rows, for all models alike; 0: none
  std::size_t rows = 0;                 ///< of a data set at most, the same for all models, by seed; 0: all
  /// Groups of rows that are left out in turn for the error of a score; 0: none. Absent: 8 where that is cheap. Methods
  /// whose score is an accuracy need none.
  std::optional<double> jackknife{};
  bool keep_going = false;                    ///< models that fail become failures of the report instead of exceptions
  Variant variant = Variant::published;       ///< of methods that have two
  Precision arithmetic = Precision::float64;  ///< of the methods other than ITM
  ItmOptions itm{};                           ///< its seed is `seed`
  std::map<std::string, SettingValue> settings{};  ///< "<method>-<name>" -> value, where it is not the default
  /// Serves every method that runs on a GPU; null: opened when it is needed and `device` allows it.
  std::shared_ptr<ItmEngine> engine{};
  EngineOptions engine_options{};     ///< of the engine that is opened
  std::function<bool()> cancelled{};  ///< asked often; true ends the ranking with Interrupted
  /// Called for every data set and method before the first model is scored.
  std::function<void(const ExpectedWork&)> expected{};
  /// Called as work is finished, from any thread, serialised.
  std::function<void(const RankProgress&)> progress{};
};

/// One data set with the models to be scored on it.
struct DatasetTask {
  std::string dataset;            ///< its name
  std::vector<ZooEntry> entries;  ///< models with what the method reads
  /// Of the rows that are scored, shared by all entries; empty when the entries have targets instead.
  Labels labels;
  std::vector<std::uint32_t> rows{};     ///< of every file, the rows that are scored, ascending; empty: all
  std::vector<std::string> remarks{};    ///< what a reader of the scores should know of the data set
  std::optional<Targets> targets{};      ///< of all rows of every file
  std::vector<std::uint8_t> held_out{};  ///< for every row of every file, 1: for validation; empty: methods choose
  /// How many rows are scored.
  [[nodiscard]] std::size_t row_count() const {
    return !rows.empty() ? rows.size() : targets ? targets->rows() : labels.values.size();
  }
  /// Row `i` of those that are scored, as a row of every file.
  [[nodiscard]] std::uint32_t file_row(std::size_t i) const {
    return rows.empty() ? static_cast<std::uint32_t>(i) : rows[i];
  }
  /// What is predicted.
  [[nodiscard]] TargetKind kind() const { return targets ? targets->kind : TargetKind::classes; }
};

/// What became of one model: a score, or the sentence that says why there is none.
struct Outcome {
  ScoredModel scored;   ///< without rank and truth
  std::string failure;  ///< empty: scored
  /// Whether there is a score.
  [[nodiscard]] bool is_scored() const { return failure.empty(); }
};

/// Where a session works: the threads that it shares with others, and the person who waits for it.
class Executor {
 public:
  virtual ~Executor() = default;
  /// work(model, repeat) for every model of the task and every repeat < repeats, each once, on the threads of the
  /// ranking, long ones first. Throws Interrupted when the person wants to stop, else what the work threw.
  virtual void for_each_model(std::size_t repeats, const std::function<void(std::size_t, std::size_t)>& work) = 0;
  /// True where a model that fails becomes an Outcome with its sentence.
  [[nodiscard]] virtual bool keeps_going() const = 0;
  /// Calls work(), which reads the files of a model. Throws InputError where one of them was cut short meanwhile.
  virtual void read(std::size_t /*model*/, const std::function<void()>& work) { work(); }
  /// Tells that `share` of the work on this model (of the task) has been done since the last call.
  virtual void advance(std::size_t model, double share) = 0;
  /// The engine of the device that was chosen for the method; null: the CPU.
  [[nodiscard]] virtual ItmEngine* engine() const = 0;
};

/// One method at work on one data set.
class Session {
 public:
  virtual ~Session() = default;
  /// An outcome for every model, in task order. Throws where a model fails and the executor does not keep going.
  [[nodiscard]] virtual std::vector<Outcome> score(Executor& executor) = 0;
};

/// What a method reads besides features and labels.
struct Inputs {
  bool features = true;      ///< false: only their number of rows matters
  bool output = false;       ///< logits of the source head
  bool source = false;       ///< features of source images
  bool regression = false;   ///< can score numbers instead of classes
  bool multi_label = false;  ///< can score several labels of a row instead of its class
  /// Whether the method can predict it.
  [[nodiscard]] bool takes(TargetKind kind) const {
    return kind == TargetKind::classes || (kind == TargetKind::labels ? multi_label : regression);
  }
};

/// What is to be scored, for a method to say what it costs.
struct Workload {
  double rows = 0;     ///< N
  double dims = 0;     ///< D
  double classes = 0;  ///< C
  double bytes = 0;    ///< of the stored features
  /// The same with at most so many of its rows.
  [[nodiscard]] Workload limited_to(double most_rows) const;
};

/// What one model takes on one core of a Xeon (docs/benchmarks.md); good to a factor of three.
struct Cost {
  double seconds = 0;  ///< of one core
  double bytes = 0;    ///< memory at the peak, beside what is shared
};

/// A family of settings that several methods read.
enum class SettingGroup : std::uint8_t {
  training,    ///< ITM's: batches, iterations, rates
  arithmetic,  ///< published or exact variant, float64 or float32
};

/// A system: what it reads, what it offers, and how it is run.
struct Estimator {
  std::string name;         ///< lower case, of command lines and results
  std::string description;  ///< one line
  std::string citation;     ///< of the publication
  Inputs inputs{};          ///< beside the features
  bool seeded = false;      ///< draws random numbers: repeats differ
  bool validates = false;   ///< scores rows that it holds out; a split of the person's is followed
  bool float32 = true;      ///< false: too ill-conditioned for Precision::float32, which is then float64
  /// What another order of rounding may change of its numbers, relative to the largest of their kind: more where a
  /// search ends before its optimum. `itm verify` allows it.
  double tolerance = 1e-6;
  std::vector<Setting> settings{};                ///< that only it has
  SettingGroup group = SettingGroup::arithmetic;  ///< that it reads as well
  ScoreUnit unit = ScoreUnit::number;             ///< of its score
  std::vector<DetailColumn> columns{};            ///< details that deserve a column in tables
  bool on_gpu = false;                            ///< has a GPU path
  bool of_company = false;                        ///< a model's score depends on the others that are ranked with it
  bool jackknifed = false;  ///< its session leaves groups of rows out, where that is wanted or cheap
  /// Of one score. Empty: as a method with a D x D covariance.
  std::function<Cost(const Workload&, const RankOptions&)> cost{};
  std::function<std::unique_ptr<Session>(DatasetTask, const RankOptions&)> open{};  ///< a session on one data set

  /// "source logits (..._output.npy)" when `entry` lacks what the method reads, else empty.
  [[nodiscard]] std::string missing_input(const ZooEntry& entry) const;
  /// Groups of rows that are left out in turn for the error of a score: none for accuracies, whose error follows from
  /// the rows, and none where it would be felt. `seconds`: of one score of the longest model.
  [[nodiscard]] std::size_t jackknife_groups(double seconds, const RankOptions& options) const;
  /// Of one model: all its scores, one per seed and per group of rows that is left out. `options.rows` limits its rows.
  [[nodiscard]] Cost cost_of(const Workload& work, const RankOptions& options) const;
  /// Of several: their seconds together, and the memory of the largest.
  [[nodiscard]] Cost cost_of(const std::vector<Workload>& work, const RankOptions& options) const;
  /// float32, float64, tf32 or tf32x3: what it computes in under these options.
  [[nodiscard]] Precision precision(const RankOptions& options) const;
};

/// All systems, in the order in which they are listed; those that the program registered last.
[[nodiscard]] const std::vector<Estimator>& estimators();
/// By its name, whatever its case, spaces, dashes and underscores. Throws InputError naming the methods that are meant,
/// or that exist.
[[nodiscard]] const Estimator& find_estimator(const std::string& name);
/// "logme, parc, knn and linear_probe": the methods that score one of these kinds of targets.
[[nodiscard]] std::string methods_for(std::initializer_list<TargetKind> kinds);
/// Null where there is none of that name: a result may come from elsewhere.
[[nodiscard]] const Estimator* known_estimator(std::string_view name);
/// Adds a method of the program that links the library, before it ranks anything. Throws InputError where the name is
/// taken, not lower case, or something is missing.
void register_estimator(Estimator estimator);

/// Scores every entry of the chosen data sets with every chosen method. Same seed, same result, for any `threads`.
[[nodiscard]] RankReport rank_zoo(const Zoo& zoo, const RankOptions& options);

/// The most rows of a data set (options.rows) with which the ranking should take at most so many seconds, by what its
/// methods cost; 0: all of them. Good to a factor of three, like every cost. Throws InputError where even a few take
/// longer.
[[nodiscard]] std::size_t rows_within(const Zoo& zoo, const RankOptions& options, double seconds);

/// The shape of an entry, for its cost. Never throws: zeros where the file cannot be read. An .npz is not unpacked for
/// it: its size on disk is taken for float32.
[[nodiscard]] Workload workload_of(const ZooEntry& entry, const Labels& labels);
/// The same of the rows that a task scores; targets count as classes.
[[nodiscard]] Workload workload_of(const ZooEntry& entry, const DatasetTask& task);

/// Throws DeviceError where `device` is a GPU and the method has no path there.
void require_device(const Estimator& estimator, Backend device);

/// Adds ground-truth agreement to every result whose data set is in `truth`.
void add_agreement(RankReport& report, const GroundTruth& truth, const BootstrapOptions& bootstrap = {});

}  // namespace itm
