#pragma once
// What `choose` and `evaluate` are given: scores from files or from a zoo, kinds and costs.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/zoo_option.hpp"
#include "itm/choose.hpp"
#include "itm/engine.hpp"
#include "itm/estimator.hpp"

namespace itm::cli {

struct ChoiceInputs {
  ZooChoice zoo;  ///< its data sets stay empty: which are meant is said otherwise
  std::vector<std::filesystem::path> scores;
  std::vector<std::string> methods;
  std::filesystem::path kinds;
  std::string kind_column;  ///< of `kinds`; without it a fact of the zoo
  std::filesystem::path html;
  RankOptions rank;
  EngineOptions engine;
};

/// Adds the zoo with its options, --scores, --methods, --kinds, --kind, --html and the options of methods and of the
/// GPU.
void add_choice_inputs(CLI::App& app, ChoiceInputs& inputs);

/// Tells the context of every file that is read or written, those of the zoo apart.
void name_files(const ChoiceInputs& inputs, const Context& context);

/// The zoo where one was given, as find_zoo(); `known` are data sets that are known. Throws InputError.
[[nodiscard]] std::optional<Zoo> find_optional_zoo(const ChoiceInputs& inputs, const std::vector<std::string>& known,
                                                   const Context& context);

/// Adds the scores of the files and those that the methods give the zoo's models, on `datasets` (those of them that the
/// zoo has; a data set that a file names nowhere is `lone`), and the kinds. Throws InputError.
void read_choice_inputs(ChoiceInputs& inputs, const std::optional<Zoo>& zoo, const std::vector<std::string>& datasets,
                        const std::string& lone, const Context& context, ChoiceTables& tables);

}  // namespace itm::cli
