#pragma once
// Results of a ranking and their files: JSON (schema itm.rank/1), CSV, a terminal table and an HTML page (spec 5, 6).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "itm/agreement.hpp"
#include "itm/details.hpp"

namespace itm {

/// What a score is, and so how it is written.
enum class ScoreUnit : std::uint8_t {
  number,
  accuracy,  ///< in [0, 1], shown in percent
  percent,   ///< an accuracy in percent already
};

/// A detail that tables show beside the score.
struct DetailColumn {
  std::string detail;   ///< its name in the details
  std::string title;    ///< "eta"
  std::string meaning;  ///< "rate of the evolution"
  int decimals = 3;     ///< behind the point
};

/// Where a result was computed.
struct Place {
  std::string backend = "cpu";  ///< "cpu" or "cuda"
  std::string device;           ///< "NVIDIA H100", "OpenBLAS 0.3.21, SkylakeX kernels"
  std::string precision;        ///< "float32"
  /// The same place in the same precision.
  friend bool operator==(const Place&, const Place&) = default;
};

/// One scored model of one data set. `details` holds what the method adds (ITM: eta, dis, curve ...).
struct ScoredModel {
  std::string model;            ///< its name
  double score = 0;             ///< larger is better
  double tie_break = 0;         ///< larger is better; orders models with equal scores
  double seconds = 0;           ///< of work on it
  Details details{};            ///< what the method adds
  std::string note;             ///< one sentence on the score that the reader should know, or empty
  std::optional<double> error;  ///< standard error of the score, where it is known
  std::string error_from;  ///< what the error comes from: "238 validation rows", "8 groups of rows left out in turn"
  /// The score without each group of rows in turn (delete-a-group jackknife), the same groups for all models: what two
  /// models' difference is held against.
  std::vector<double> replicates{};
  int rank = 0;   ///< 1 = best, filled by assign_ranks
  int group = 0;  ///< 1 = cannot be told apart from the best, 2 = from the best of the rest ...; by assign_ranks
  std::optional<double> truth;  ///< fine-tuned accuracy in percent, filled by add_agreement
};

/// One (data set, method) cell of a ranking.
struct RankedDataset {
  std::string dataset;                     ///< its name
  std::string method;                      ///< by its name
  double seconds = 0;                      ///< of all models, one after another
  std::vector<ScoredModel> models;         ///< best first after assign_ranks
  std::vector<std::string> truth_missing;  ///< scored models without a truth value
  std::optional<Agreement> agreement;      ///< when a truth was given
  Place place{};                           ///< where it was computed
  std::vector<std::string> remarks{};      ///< what is odd about the data or the scores, a sentence each
};

/// A model that could not be scored under --keep-going, or one that a method has no inputs for.
struct Failure {
  std::string dataset;  ///< its name
  std::string model;    ///< its name
  std::string method;   ///< empty: all methods
  std::string message;  ///< one sentence
};

/// What a ranking found.
struct RankReport {
  std::vector<RankedDataset> results;  ///< one a data set and method
  std::vector<Failure> failures;       ///< models without a score
  std::vector<Failure> skipped;        ///< without the inputs that the method reads; an empty model stands for all
  double seconds = 0;                  ///< wall clock of the whole command
  int threads = 1;                     ///< that it ran on
  std::string backend = "cpu";         ///< "cpu", "cuda", or both
};

/// Sorts best first (score, then tie_break, then name) and numbers 1, 2, ...; equal score and tie_break share a rank.
/// Numbers the groups of models that cannot be told apart (see can_tell_apart).
void assign_ranks(RankedDataset& result);

/// Whether two scores differ by more than 1.96 standard errors of their difference: by their replicates where both have
/// them, else by their errors. Scores without either are told apart unless they are equal.
[[nodiscard]] bool can_tell_apart(const ScoredModel& a, const ScoredModel& b);

/// Several methods' view of one data set: the mean of the normal scores of the ranks that they give (Blom's), each over
/// the models that it scored.
struct Consensus {
  /// One model in the view of all methods.
  struct Model {
    std::string model;            ///< its name
    double score = 0;             ///< mean normal score
    int rank = 0;                 ///< 1 = best
    std::size_t methods = 0;      ///< that scored it
    std::optional<double> truth;  ///< fine-tuned accuracy in percent
  };
  std::string dataset;                 ///< its name
  std::vector<std::string> methods;    ///< that ranked it
  std::vector<Model> models;           ///< best first
  std::optional<Agreement> agreement;  ///< of the consensus with the truth, where there is one
};
/// For every data set that two or more methods ranked.
[[nodiscard]] std::vector<Consensus> consensus_of(const RankReport& report);

/// Schema itm.rank/1.
[[nodiscard]] std::string to_json(const RankReport& report);
/// How names stand in CSV files. Spreadsheets run cells that begin with =, +, -, @, tab or return as formulas; guarded,
/// such a cell begins with an apostrophe, which marks text. Numbers stay numbers.
enum class CsvText : std::uint8_t { guarded, raw };

/// A line per data set, method and model.
[[nodiscard]] std::string to_csv(const RankReport& report, CsvText text = CsvText::guarded);
/// A table a person reads at a glance, with one summary line under it.
[[nodiscard]] std::string to_table(const RankReport& report, bool colour);

/// What a page says beside its result.
struct HtmlOptions {
  std::string title = "Model ranking";  ///< its heading
  /// What else was given, as name and value, shown under the title beside version, backend, threads and seconds.
  std::vector<std::pair<std::string, std::string>> facts;
};

/// One self-contained page (docs/report.md): static tables for every reader, and sorting and plots by the page's own
/// script. It loads nothing; names and messages in it are data, whatever they hold.
[[nodiscard]] std::string to_html(const RankReport& report, const HtmlOptions& options = {});

/// Writes text so that the file is either whole or absent: temporary file beside it, fsync, rename.
/// Throws InputError when the directory does not exist or is not writable.
void write_file_atomically(const std::filesystem::path& file, std::string_view text);

}  // namespace itm
