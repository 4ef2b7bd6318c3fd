#pragma once
// The options of ITM (spec 2), the same for every command that runs it.

#include <CLI/CLI.hpp>

#include "itm/itm.hpp"

namespace itm::cli {

/// `options` holds the defaults and must outlive the parsing.
void add_itm_options(CLI::App& app, ItmOptions& options);

}  // namespace itm::cli
