#pragma once
// What a command of the `itm` binary is. A new one is one file that defines `Command xyz_command()` and one line in
// commands.cpp.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "itm/error.hpp"

namespace itm::cli {

/// Does the work after all options were read and checked.
using Action = std::function<ExitStatus()>;

struct Command {
  std::string name;
  std::string help;  ///< one line
  /// Adds the command's own options and its examples (App::footer); the shared ones are there already. Whatever the
  /// options are stored in is kept alive by the returned action.
  std::function<Action(CLI::App&, Context&)> configure;
  /// Options that --help shows; the rest is for --help-all. Empty: all but those of single methods.
  std::vector<std::string> common{};
};

/// All commands, in the order in which the help lists them.
[[nodiscard]] const std::vector<Command>& commands();

}  // namespace itm::cli
