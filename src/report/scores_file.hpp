#pragma once
// Scores that were written earlier, by us or by anybody: what `itm correlate` sets against the ground truth.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace itm {

struct ModelScore {
  std::string model;
  double score = 0;
  double order =
      0;  ///< larger is better: minus the rank where the file has one (it holds the tie break), else the score
  std::optional<double> error{};  ///< standard error; of itm rank only
};

/// The scores of one method on one data set.
struct ScoreTable {
  std::string dataset;  ///< empty where the file does not say
  std::string method;   ///< empty where the file does not say
  std::vector<ModelScore> models;
  std::optional<double> seconds;            ///< of all models; JSON only
  std::map<std::string, double> agreement;  ///< "tau_w", "kendall" ... as far as they are defined; JSON only
};

struct ScoresFile {
  std::filesystem::path file;
  std::vector<ScoreTable> tables;  ///< in file order, at least one, none empty
};

/// Understands what `itm rank` writes (JSON of schema itm.rank/1, CSV), a CSV `model,score` with or without a header,
/// and a CSV `model,<data set>,...` like a truth file, where an empty cell is an unknown score. `name` serves messages.
/// Throws InputError with the line or the JSON path: no such layout, a score that is not a finite number, a model that
/// appears twice in a table, nesting beyond what a results file has.
[[nodiscard]] ScoresFile parse_scores_file(std::string_view text, const std::filesystem::path& name);

/// Throws InputError as parse_scores_file does, and when the file cannot be read.
[[nodiscard]] ScoresFile read_scores_file(const std::filesystem::path& file);

}  // namespace itm
