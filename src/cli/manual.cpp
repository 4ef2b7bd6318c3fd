// `itm manual`: the manual page, from the commands' own options.

#include "cli/commands.hpp"
#include "cli/help.hpp"

namespace itm::cli {

Command manual_command() {
  return {"manual", "Print the manual page", [](CLI::App& app, Context& context) -> Action {
            app.footer(
                "Examples:\n"
                "  itm manual | man -l -\n"
                "  itm manual > /usr/local/share/man/man1/itm.1");
            return [&app, &context] {
              context.write(manual_page(*app.get_parent(), ITM_VERSION));
              return ExitStatus::success;
            };
          }};
}

}  // namespace itm::cli
