#pragma once
// The record of a run, from its command line and the data that it read, and a run from a record.

#include <CLI/CLI.hpp>
#include <cstdint>

#include "itm/record.hpp"

namespace itm::cli {

/// Everything but the data.
[[nodiscard]] Record record_of(const CLI::App& command, std::uint64_t seed);

/// Adds --from: options that the command line does not give are those of a result's record, those of the machine apart.
/// `record` becomes that record. To be called after all other options of the command were added but those of every
/// command.
void add_from(CLI::App& app, Record& record);

}  // namespace itm::cli
