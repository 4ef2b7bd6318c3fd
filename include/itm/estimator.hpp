#pragma once
// The interface that every system implements, and the registry that makes a new one a single file and a single line.
//
// Ranking a data set runs in four steps so that zoo-wide quantities (ITM's dis_b, ETran's min-max) need no special
// case:
//   survey(i)  concurrent, per model, sees no other model      (ITM: statistics and dispersion)
//   settle()   once                                            (ITM: dis_b and every eta)
//   score(i, repeat)  concurrent, per model and repeat         (ITM: training)
//   finish()   once: the scores
// A session that advances all its models together takes score_all(alive), once, in place of score().

#include <cstddef>
#include <functional>
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
  std::string name;
  SettingValue standard;  ///< the default; NaN: none
  std::string help;
  double low = 0;  ///< numbers: the range
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;            ///< numbers: `low` itself is refused
  bool whole = false;                ///< numbers: no fractions
  std::vector<std::string> words{};  ///< words: the choices; empty: any text, such as a file
};

/// Options of all methods in one place; each reads what it knows.
struct MethodOptions {
  ItmOptions itm;
  Variant variant = Variant::published;
  Arithmetic arithmetic = Arithmetic::float64;   ///< of the methods other than ITM
  std::map<std::string, SettingValue> settings;  ///< "<method>-<name>" -> value, where it is not the default
  std::size_t repeats = 1;                       ///< seeds seed, seed + 1, ...; the score is their mean
  bool drop_bad_rows = false;                    ///< drop rows with NaN or infinity instead of refusing the file
  std::shared_ptr<ItmEngine> engine;             ///< runs ITM where there is one, else the CPU engine
  std::function<bool()> cancelled;
};

/// One data set with the models to be scored on it.
struct DatasetTask {
  std::string dataset;
  std::vector<ZooEntry> entries;
  Labels labels;  ///< shared by all entries; empty when the entries have regression targets instead
};

/// One method at work on one data set.
class Session {
 public:
  virtual ~Session() = default;
  virtual void survey(std::size_t model) { (void)model; }
  virtual void settle(const std::vector<bool>& alive) { (void)alive; }
  virtual void score(std::size_t model, std::size_t repeat) = 0;
  /// True: score_all() does the work of all score() calls.
  [[nodiscard]] virtual bool scores_together() const { return false; }
  virtual void score_all(const std::vector<bool>& alive) { (void)alive; }
  /// One entry per model in task order; models that are not alive are ignored.
  [[nodiscard]] virtual std::vector<ScoredModel> finish(const std::vector<bool>& alive) = 0;
};

/// What a method reads besides features and labels.
struct Inputs {
  bool features = true;     ///< false: only their number of rows matters
  bool output = false;      ///< logits of the source head
  bool source = false;      ///< features of source images
  bool regression = false;  ///< can score regression targets instead of labels
};

struct Estimator {
  std::string name;
  std::string description;  ///< one line
  std::string citation;
  Inputs inputs{};
  bool seeded = false;  ///< draws random numbers: repeats differ
  bool float32 = true;  ///< false: too ill-conditioned for Arithmetic::float32, which is then float64
  std::vector<Setting> settings{};
  std::function<std::unique_ptr<Session>(DatasetTask, const MethodOptions&)> open{};

  /// "source logits (..._output.npy)" when `entry` lacks what the method reads, else empty.
  [[nodiscard]] std::string missing_input(const ZooEntry& entry) const;
};

/// All systems, in the order in which they are listed.
[[nodiscard]] const std::vector<Estimator>& estimators();
/// Throws InputError naming the methods that exist.
[[nodiscard]] const Estimator& find_estimator(const std::string& name);

struct RankOptions {
  std::vector<std::string> datasets;  ///< empty: all
  std::vector<std::string> methods{"itm"};
  MethodOptions method;
  int threads = 1;
  bool keep_going = false;
  /// Methods that no model of a data set has the inputs for are left out instead of refused (`--method all`).
  bool skip_methods_without_inputs = false;
  /// Called after each finished unit (done, total) from any thread, serialised.
  std::function<void(std::size_t, std::size_t)> progress;
};

/// Scores every entry of the chosen data sets with every chosen method. Same seed, same result, for any `threads`.
[[nodiscard]] RankReport rank_zoo(const Zoo& zoo, const RankOptions& options);

/// Adds ground-truth agreement to every result whose data set is in `truth`.
void add_agreement(RankReport& report, const GroundTruth& truth, const BootstrapOptions& bootstrap = {});

}  // namespace itm
