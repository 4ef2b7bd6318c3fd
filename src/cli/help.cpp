#include "cli/help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

bool is_special(const CLI::Option& option) {
  const std::string& group = option.get_group();
  return group.starts_with("Options of ") && group != "Options of every command";
}

/// Where what is set under `line` begins: under an option's description, else a little further in.
std::size_t indent_of(std::string_view line) {
  const std::size_t start = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.starts_with("  ") ? line.find("  ", start) : std::string_view::npos;
  const std::size_t text = line.find_first_not_of(' ', gap);
  return text > 50 ? start + 4 : text;  // npos is more than 50
}

/// One line of help in lines of `width` columns. A word that is longer stays whole.
void append_wrapped(std::string& out, std::string_view line, std::size_t width) {
  const std::size_t indent = indent_of(line);
  std::size_t room = width;
  std::size_t least = indent;  // before it there is no text to end a line with
  while (line.size() > room) {
    const std::size_t at = line.rfind(' ', room);
    if (at == std::string_view::npos || at <= least) {
      break;
    }
    out += line.substr(0, line.find_last_not_of(' ', at) + 1);
    out += '\n' + std::string(indent, ' ');
    line.remove_prefix(at + 1);
    room = width - indent;
    least = 0;
  }
  out += line;
  out += '\n';
}

/// Long options of a command, and the words that one of them takes, if it takes words.
struct Words {
  std::string option;
  std::string help;
  std::vector<std::string> values;
  bool takes_file = false;
};

std::vector<Words> options_of(const CLI::App& app) {
  std::vector<Words> all;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) {
      continue;
    }
    Words words{"--" + option->get_lnames().front(), option->get_description(), {}, false};
    std::string type = option->get_type_name();
    words.takes_file = type == "FILE" || type == "CSV" || type == "DIR" || type == "ZOO";
    if (type.find('|') != std::string::npos) {
      for (std::size_t end = 0; (end = type.find('|')) != std::string::npos; type.erase(0, end + 1)) {
        words.values.push_back(type.substr(0, end));
      }
      words.values.push_back(type);
    }
    all.push_back(std::move(words));
  }
  return all;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string bash(const CLI::App& app) {
  std::vector<std::string> names;
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    names.push_back(command->get_name());
    std::vector<std::string> options;
    std::string values;
    for (const Words& words : options_of(*command)) {
      options.push_back(words.option);
      if (!words.values.empty()) {
        values += fmt::format("        {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n", words.option,
                              fmt::join(words.values, " "));
      }
    }
    cases += fmt::format("    {})\n      options='{}'\n      case $before in\n{}      esac ;;\n", command->get_name(),
                         fmt::join(options, " "), values);
  }
  return fmt::format(R"(# Completion of itm for bash: itm completion bash > /etc/bash_completion.d/itm
_itm() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} options=
  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W '{}' -- "$word")); return; fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi
}}
complete -o filenames -F _itm itm
)",
                     fmt::join(names, " "), cases);
}

/// A quote inside single quotes of a shell.
std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) {
    text.replace(at, 1, "'\\''");
  }
  return text;
}

std::string zsh(const CLI::App& app) {
  const auto plain = [](std::string text) {  // brackets and colons mean something to _arguments
    std::string out;
    for (const char c : text) {
      out += c == '[' || c == ']' || c == ':' ? std::string{'\\', c} : std::string{c};
    }
    return quoted(out);
  };
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    names += fmt::format("    '{}:{}'\n", command->get_name(), plain(command->get_description()));
    cases += fmt::format("    {})\n      _arguments", command->get_name());
    for (const Words& words : options_of(*command)) {
      cases += fmt::format(" \\\n        '{}[{}]{}'", words.option, plain(words.help),
                           !words.values.empty() ? fmt::format(":value:({})", fmt::join(words.values, " "))
                           : words.takes_file    ? ":file:_files"
                                                 : "");
    }
    cases += " \\\n        '*:file:_files' ;;\n";
  }
  return fmt::format(R"(#compdef itm
# Completion of itm for zsh: itm completion zsh > a folder of $fpath/_itm
local -a commands=(
{})
if ((CURRENT == 2)); then
  _describe command commands
else
  shift words
  ((CURRENT--))
  case $words[1] in
{}  esac
fi
)",
                     names, cases);
}

std::string fish(const CLI::App& app) {
  std::string text = "# Completion of itm for fish: itm completion fish > ~/.config/fish/completions/itm.fish\n";
  for (const CLI::App* command : commands_of(app)) {
    text += fmt::format("complete -c itm -n __fish_use_subcommand -f -a {} -d '{}'\n", command->get_name(),
                        quoted(command->get_description()));
    for (const Words& words : options_of(*command)) {
      text += fmt::format("complete -c itm -n '__fish_seen_subcommand_from {}' -l {} -d '{}'{}\n", command->get_name(),
                          words.option.substr(2), quoted(words.help),
                          words.values.empty() ? "" : fmt::format(" -x -a '{}'", fmt::join(words.values, " ")));
    }
  }
  return text;
}

/// Text for troff: backslashes, and lines that would begin a request.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

}  // namespace

std::size_t terminal_width() {
  constexpr std::size_t standard = 100;
  std::size_t width = 0;
  if (const char* said = std::getenv("COLUMNS"); said != nullptr) {
    const std::string_view text(said);
    (void)std::from_chars(text.data(), text.data() + text.size(), width);
  }
  winsize size{};
  if (width == 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    width = size.ws_col;
  }
  return width == 0 ? standard : std::clamp<std::size_t>(width, 60, 160);
}

std::string help_of(CLI::App& app, const std::vector<std::string>& common, bool all, std::size_t width) {
  const auto chosen = app.get_subcommands();
  CLI::App& shown = chosen.empty() ? app : *chosen.front();
  std::vector<std::string> hidden;
  std::size_t of_methods = 0;
  if (!all) {
    for (CLI::Option* option : shown.get_options()) {
      const bool is_common =
          option->get_positional() || option == shown.get_help_ptr() ||
          std::any_of(common.begin(), common.end(), [&](const std::string& name) { return option->check_name(name); });
      if (common.empty() ? !is_special(*option) : is_common) {
        continue;
      }
      if (is_special(*option) && option->get_group() != "Options of ITM") {
        ++of_methods;
      } else if (!option->check_name("--help-all")) {
        hidden.push_back("--" + option->get_lnames().front());
      }
      option->group("");
    }
  }
  std::string text = app.help();
  for (std::size_t at = 0; (at = text.find("\n\n\n")) != std::string::npos;) {  // CLI11 sets groups two lines apart
    text.erase(at, 1);
  }
  if (!hidden.empty() || of_methods > 0) {
    std::string line = fmt::format("More options, explained by itm {} --help-all:\n", shown.get_name());
    line += hidden.empty() ? "" : fmt::format("  {}\n", fmt::join(hidden, ", "));
    line += of_methods == 0 ? "" : fmt::format("  and {} of single methods\n", of_methods);
    line += '\n';
    const std::size_t examples = text.find("Examples:\n");
    text.insert(examples == std::string::npos ? text.size() : examples, line);
  }
  std::string wrapped;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    append_wrapped(wrapped, rest.substr(0, end), width);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return wrapped;
}

std::string completion_for(const std::string& shell, const CLI::App& app) {
  if (shell == "bash") {
    return bash(app);
  }
  if (shell == "zsh") {
    return zsh(app);
  }
  if (shell == "fish") {
    return fish(app);
  }
  throw InputError(fmt::format("there is no completion for {}; choose one of bash, zsh, fish", in_quotes(shell)));
}

std::string manual_page(const CLI::App& app, const std::string& version) {
  std::string text = fmt::format(
      ".TH ITM 1 \"\" \"itm {}\" \"User Commands\"\n"
      ".SH NAME\nitm \\- rank pre\\-trained models without fine\\-tuning any of them\n"
      ".SH SYNOPSIS\n.B itm\n.I command\n[options]\n"
      ".SH DESCRIPTION\n{}\n"
      ".SH EXIT STATUS\n0 done; 1 a comparison failed; 2 bad input or usage; 3 no device, or not enough memory; 130 "
      "interrupted.\n",
      version, roff(app.get_description()));
  for (const CLI::App* command : commands_of(app)) {
    text += fmt::format(".SH ITM {}\n{}.\n", roff(upper(command->get_name())), roff(command->get_description()));
    for (const CLI::Option* option : command->get_options()) {
      const std::string name =
          option->get_lnames().empty() ? option->get_name(true) : "--" + option->get_lnames().front();
      const std::string standard = option->get_default_str();
      text += fmt::format(".TP\n.B {}{}\n{}{}\n", roff(name),
                          option->get_type_name().empty() ? "" : " \\fI" + roff(option->get_type_name()) + "\\fR",
                          roff(option->get_description()),
                          standard.empty() ? "" : fmt::format(" (default: {})", roff(standard)));
    }
    if (const std::string footer = command->get_footer(); !footer.empty()) {
      text += fmt::format(".PP\n.nf\n{}\n.fi\n", roff(footer));
    }
  }
  return text;
}

}  // namespace itm::cli
