#pragma once
// Tables as the arrays that the model of docs/choose.md reads: standardised truths and normal scores.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "itm/choose.hpp"
#include "report/fixed_order.hpp"

namespace itm::choose {

/// One data set over all M models; unknown numbers are NaN.
struct Dataset {
  std::string name;
  TruthScale scale;
  std::size_t known = 0;                    ///< models with a truth
  std::vector<double> truth;                ///< [M]
  std::vector<double> linked;               ///< [M]
  std::vector<double> y;                    ///< [M], standardised
  std::vector<std::vector<double>> scores;  ///< [K][M] normal scores
  std::vector<double> vote;                 ///< [M] their mean over the methods that scored the model

  [[nodiscard]] bool knows(std::size_t model) const;
  [[nodiscard]] bool scored(std::size_t model) const;
};

/// Every data set of the tables on common models and methods.
struct Tables {
  std::vector<std::string> models;   ///< M names, sorted
  std::vector<std::string> methods;  ///< K names
  std::vector<Dataset> datasets;     ///< sorted by name
  std::vector<std::string> kinds;    ///< [M] kind of each model; empty: unknown

  [[nodiscard]] const Dataset* find(const std::string& name) const;
};

/// `methods`: those that vote; empty: all. Throws InputError when two tables give a model two values on one data set,
/// and for a method that has no scores.
[[nodiscard]] Tables index_tables(const ChoiceTables& tables, const std::vector<std::string>& methods);

/// What is left to learn from and to choose between.
struct Problem {
  const Tables* tables = nullptr;
  std::vector<const Dataset*> past;
  const Dataset* target = nullptr;
  std::vector<std::size_t> candidates;  ///< models, ascending
  std::vector<bool> known;              ///< [M] whether the truth on the target may be used
  std::size_t features = 0;             ///< F: 0 without methods, 2 with one, else K + 2

  /// [F] features of a model on a data set: the vote, the model's mean vote over past and target, each method's score.
  /// What nobody scored is 0, the middle.
  void write_features(const Dataset& dataset, std::size_t model, double* x) const;
  std::vector<double> mean_vote;  ///< [M]
};

[[nodiscard]] Problem make_problem(const Tables& tables, std::vector<const Dataset*> past, const Dataset& target,
                                   std::vector<std::size_t> candidates, std::vector<bool> known);

}  // namespace itm::choose
