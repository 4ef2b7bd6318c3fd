#pragma once
// What the program says of itself: help that fits the terminal, completions and the manual page, all from the commands'
// own options.

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace itm::cli {

/// The help of `app`, or of the subcommand that was given, in lines of `width` columns. Unless `all`, only the options
/// in `common` are shown, or where that is empty all but those of single methods; a line says how to see the others.
[[nodiscard]] std::string help_of(CLI::App& app, const std::vector<std::string>& common, bool all, std::size_t width);

/// Columns of the terminal on standard output, or what COLUMNS says; 100 where there is none.
[[nodiscard]] std::size_t terminal_width();

/// A script that makes the shell complete commands, options and files. Throws InputError for a shell other than bash,
/// zsh and fish.
[[nodiscard]] std::string completion_for(const std::string& shell, const CLI::App& app);

/// itm.1: the commands and their options as a page for man, in mdoc's older sister.
[[nodiscard]] std::string manual_page(const CLI::App& app, const std::string& version);

}  // namespace itm::cli
