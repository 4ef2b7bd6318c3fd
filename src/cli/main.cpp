// The `itm` binary: finds the command, runs it, and turns every failure into one sentence and an exit status.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <map>
#include <new>
#include <string>
#include <system_error>

#include "cli/build_facts.hpp"
#include "cli/command.hpp"
#include "cli/help.hpp"
#include "cli/recording.hpp"
#include "cli/say.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "io/cut_files.hpp"
#include "itm/error.hpp"
#include "linalg/blas.hpp"

namespace itm::cli {
namespace {

int fail(ExitStatus status, const std::string& sentence) {
  begin_last_words();
  say(sentence);
  return static_cast<int>(status);
}

int fail_usage(std::string sentence, const std::string& command) {
  while (!sentence.empty() && (sentence.back() == '\n' || sentence.back() == '.')) {
    sentence.pop_back();
  }
  return fail(ExitStatus::bad_input,
              fmt::format("{}; see itm {}--help", sentence, command.empty() ? "" : command + " "));
}

/// CLI11's exceptions in our words.
std::string sentence_of(const CLI::ParseError& error, const CLI::App& app) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return "unexpected argument " + in_quotes(app.remaining(true).at(0));
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string option = what.substr(0, what.find(':'));
    return what.find("At Most") != std::string::npos ? option + " is given more than once" : option + " needs a value";
  }
  return what;
}

std::string wrong_command(const std::string& word) {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    names.push_back(command.name);
  }
  return fmt::format("there is no command {}; choose among: {}", in_quotes(word), fmt::join(names, ", "));
}

bool is_command(const std::string& word) {
  return std::any_of(commands().begin(), commands().end(), [&](const Command& c) { return c.name == word; });
}

/// A line to compare, then what a report of a fault needs.
std::string version_text() {
  const BuildFacts& facts = build_facts();
  const std::string commit = *facts.commit == 0 ? "" : fmt::format("commit {}, ", facts.commit);
  return fmt::format("itm {}\n{}{}, {} build; {}; CUDA {}; MPI {}", ITM_VERSION, commit, facts.compiler,
                     facts.build_type, blas::description(), facts.cuda, facts.mpi);
}

/// The options that the help of a command shows.
std::vector<std::string> common_of(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  for (const Command& command : commands()) {
    if (!chosen.empty() && command.name == chosen.front()->get_name()) {
      return command.common;
    }
  }
  return {};
}

void configure_root(CLI::App& app) {
  app.set_version_flag("--version", version_text, "Print the version and what it was built with");
  app.set_help_flag("-h,--help", "Print this help");
  app.footer(
      "Examples:\n"
      "  itm rank examples/glyphs --truth examples/glyphs/ground_truth.csv\n"
      "  itm inspect examples/glyphs\n"
      "  itm rank --help");
  app.get_formatter()->column_width(44);
  app.require_subcommand(0, 1);
}

int run(int argc, char** argv) {
  CLI::App app("itm ranks pre-trained models for your data set without fine-tuning any of them.", "itm");
  configure_root(app);
  Context context;
  std::map<std::string, Action> actions;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.help);
    sub->set_help_flag("-h,--help", "Print this help");
    sub->set_help_all_flag("--help-all", "Print all options");
    actions[command.name] = command.configure(*sub, context);
    context.add_options(*sub);
  }

  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) {
    write_to_stdout(help_of(app, {}, false, terminal_width()));
    return static_cast<int>(ExitStatus::bad_input);
  }
  if (first[0] != '-' && !is_command(first)) {
    return fail(ExitStatus::bad_input, wrong_command(first));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    write_to_stdout(help_of(app, common_of(app), false, terminal_width()));
    return 0;
  } catch (const CLI::CallForAllHelp&) {
    write_to_stdout(help_of(app, {}, true, terminal_width()));
    return 0;
  } catch (const CLI::CallForVersion& version) {
    write_to_stdout(std::string(version.what()) + '\n');
    return 0;
  } catch (const CLI::ParseError& error) {
    return fail_usage(sentence_of(error, app), is_command(first) ? first : "");
  }
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    return fail_usage("no command given", "");
  }
  context.prepare(*chosen.front());
  try {
    return static_cast<int>(actions.at(chosen.front()->get_name())());
  } catch (const InputError&) {
    io::refuse_any_cut();  // zeros of a file that was cut short look like many other faults
    throw;
  }
}

/// "no such file: x" instead of "filesystem error: cannot ...: No such file or directory [x]".
std::string sentence_of(const std::filesystem::filesystem_error& error) {
  return fmt::format("{}: {}; check the path and its permissions", path_text(error.path1()), error.code().message());
}

}  // namespace
}  // namespace itm::cli

int main(int argc, char** argv) {
  using itm::ExitStatus;
  using itm::cli::fail;
  itm::cli::open_standard_descriptors();
  itm::cli::catch_signals();
  try {
    const int status = itm::cli::run(argc, argv);
    itm::cli::begin_last_words();
    return status;
  } catch (const itm::Error& error) {
    return fail(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitStatus::no_device, "out of memory; close other programs or use fewer --threads");
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(ExitStatus::bad_input, itm::cli::sentence_of(error));
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return fail(ExitStatus::no_device, "the system starts no more threads; use fewer --threads or raise the limits");
    }
    return fail(ExitStatus::bad_input, std::string("internal error, please report it: ") + error.what());
  } catch (const std::exception& error) {
    return fail(ExitStatus::bad_input, std::string("internal error, please report it: ") + error.what());
  }
}
