#pragma once
// What changed between two files of scores, and whether it is more than noise.

#include <optional>
#include <string>
#include <vector>

#include "itm/report.hpp"
#include "report/paint.hpp"
#include "report/scores_file.hpp"

namespace itm {

struct ModelChange {
  std::string model;
  int rank_a = 0;
  int rank_b = 0;
  double score_a = 0;
  double score_b = 0;
  /// 1.96 standard errors of the difference, taken as independent; nothing where neither file knows an error.
  std::optional<double> noise;
  [[nodiscard]] double change() const { return score_b - score_a; }
  /// A change that no error explains counts, however small.
  [[nodiscard]] bool is_beyond_noise() const;
};

/// One (data set, method) that both files have.
struct ResultChange {
  std::string dataset;
  std::string method;
  std::vector<ModelChange> models;  ///< in the order of the first file
  std::vector<std::string> only_a;  ///< models
  std::vector<std::string> only_b;
  std::optional<double> kendall;  ///< tau-b of the two orders
  [[nodiscard]] bool same_order() const;
  [[nodiscard]] std::size_t beyond_noise() const;
};

struct ScoresChange {
  std::vector<ResultChange> results;
  std::vector<std::string> only_a;  ///< "greek by itm"
  std::vector<std::string> only_b;
};

/// Throws InputError where the files have no data set and method in common.
[[nodiscard]] ScoresChange compare_scores(const ScoresFile& a, const ScoresFile& b);

/// Schema itm.compare/1.
[[nodiscard]] std::string to_json(const ScoresChange& change);
/// A line per model that both files have.
[[nodiscard]] std::string to_csv(const ScoresChange& change, CsvText text = CsvText::guarded);
[[nodiscard]] std::string to_table(const ScoresChange& change, Paint paint);

}  // namespace itm
