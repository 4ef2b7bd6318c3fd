#pragma once
// What `choose` and `evaluate` are given: scores from files or from a zoo, kinds and costs.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "itm/choose.hpp"
#include "itm/engine.hpp"
#include "itm/estimator.hpp"

namespace itm::cli {

struct ChoiceInputs {
  std::filesystem::path zoo;
  std::vector<std::filesystem::path> scores;
  std::vector<std::string> methods;
  std::filesystem::path kinds;
  std::string kind_column;
  std::filesystem::path html;
  RankOptions rank;
  EngineOptions engine;
};

/// Adds --scores, --methods, --kinds, --kind, --html and the options of methods and of the GPU.
void add_choice_inputs(CLI::App& app, ChoiceInputs& inputs);

/// Tells the context of every file that is read or written.
void name_files(const ChoiceInputs& inputs, const Context& context);

/// Adds the scores of the files and those that the methods give the zoo's models, on `datasets` (those of them that the
/// zoo has; a data set that a file names nowhere is `lone`), and the kinds. Throws InputError.
void read_choice_inputs(ChoiceInputs& inputs, const std::vector<std::string>& datasets, const std::string& lone,
                        const Context& context, ChoiceTables& tables);

}  // namespace itm::cli
