// `itm completion`: what makes a shell complete commands and options.

#include <memory>

#include "cli/commands.hpp"
#include "cli/help.hpp"

namespace itm::cli {

Command completion_command() {
  return {"completion", "Print a completion script for bash, zsh or fish",
          [](CLI::App& app, Context& context) -> Action {
            auto shell = std::make_shared<std::string>();
            app.add_option("shell", *shell, "bash, zsh or fish")->type_name("SHELL")->required();
            app.footer(
                "Examples:\n"
                "  itm completion bash > ~/.local/share/bash-completion/completions/itm\n"
                "  itm completion fish > ~/.config/fish/completions/itm.fish");
            return [shell, &app, &context] {
              context.write(completion_for(*shell, *app.get_parent()));
              return ExitStatus::success;
            };
          }};
}

}  // namespace itm::cli
