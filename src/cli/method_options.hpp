#pragma once
// The options of all methods (docs/methods.md), the same for every command that runs them, made from the table of
// settings: those that a method declares itself become `--<method>-<name>`.

#include <CLI/CLI.hpp>

#include "itm/estimator.hpp"

namespace itm::cli {

/// Adds --variant, --arithmetic, --repeats, --drop-bad-rows, ITM's options and those of the other methods. `options`
/// holds the defaults and must outlive the parsing.
void add_method_options(CLI::App& app, RankOptions& options);
/// Those of ITM alone.
void add_itm_options(CLI::App& app, RankOptions& options);

}  // namespace itm::cli
