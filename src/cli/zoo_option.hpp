#pragma once
// The zoo to work on, for every command that takes one.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "itm/zoo.hpp"

namespace itm::cli {

/// The folder, and what of it is meant.
struct ZooChoice {
  std::filesystem::path folder;
  std::vector<std::string> datasets;  ///< --dataset; empty: all
  ZooOptions options;
};

/// Adds the positional `zoo`, which may be left out, --models, --exclude, --manifest, --targets, --split and
/// --feature-key.
void add_zoo_folder(CLI::App& app, ZooChoice& choice);
/// The same and --dataset, for commands that need a zoo.
void add_zoo(CLI::App& app, ZooChoice& choice, const std::string& dataset_help);

/// --models and its kin were given, but no folder that they choose from. Throws InputError.
void refuse_choice_of_nothing(const ZooChoice& choice);

/// The zoo, its files named to `context` as inputs. `known` are data sets that are known beside those of --dataset.
/// Says how names were read where that is a guess. Throws InputError, also for a --dataset that the zoo does not have.
[[nodiscard]] Zoo find_zoo(const ZooChoice& choice, const std::vector<std::string>& known, const Context& context);

}  // namespace itm::cli
