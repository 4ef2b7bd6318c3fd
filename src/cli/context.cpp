#include "cli/context.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "io/cut_files.hpp"
#include "itm/error.hpp"
#include "itm/report.hpp"
#include "linalg/blas.hpp"

namespace itm::cli {
namespace {

constexpr int most_threads = 1024;

int usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) {
    return 1;
  }
  return std::clamp(CPU_COUNT(&cores), 1, most_threads);
}

void write_to_stdout(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw InputError(fmt::format("standard output: cannot be written ({}); free space or pass --out FILE",
                                 std::generic_category().message(errno)));
  }
}

/// However they are spelt, and whether they exist or not.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;
  return !a.empty() && !b.empty() &&
         std::filesystem::weakly_canonical(std::filesystem::absolute(a, ignored), ignored) ==
             std::filesystem::weakly_canonical(std::filesystem::absolute(b, ignored), ignored);
}

}  // namespace

void check_target(std::string_view option, const std::filesystem::path& file) {
  std::error_code ignored;
  const std::string name = fmt::format("{} {}", option, path_text(file));
  if (std::filesystem::is_directory(file, ignored)) {
    throw InputError(name + ": is a folder; name a file inside it");
  }
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw InputError(fmt::format("{}: the folder {} does not exist; create it first", name, path_text(folder)));
  }
  const bool is_device = std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored);
  if (!is_device && ::access(folder.c_str(), W_OK) != 0) {
    throw InputError(fmt::format("{}: the folder {} is not writable; choose another place", name, path_text(folder)));
  }
}

Context::Context() : threads(usable_cores()) {}

void Context::add_options(CLI::App& app) {
  const std::string group = "Options of every command";
  auto* format = app.add_option(
      "--format",
      [this](const CLI::results_t& texts) {
        const std::string& word = texts.at(0);
        if (word != "table" && word != "json" && word != "csv") {
          detail::refuse("--format", word, "one of table|json|csv");
        }
        format_ = word == "table" ? Format::table : word == "json" ? Format::json : Format::csv;
        return true;
      },
      "How results look; default: what the ending of --out says, else table");
  format->type_name("table|json|csv")->group(group);
  app.add_option("--out", out_, "Write the result to this file instead of standard output")
      ->type_name("FILE")
      ->group(group);
  add_number<std::uint64_t>(app, "--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), "Seed of every draw")
      ->group(group);
  add_number(app, "--threads", threads, 1, most_threads, "Threads; results do not depend on it")->group(group);
  add_choice<Backend>(app, "--backend", backend,
                      {{"auto", Backend::automatic}, {"cpu", Backend::cpu}, {"cuda", Backend::cuda}},
                      "Where to compute")
      ->group(group);
  app.add_flag("--quiet", quiet, "Results and errors only")->group(group);
  app.add_flag("--verbose", verbose, "Say more on standard error")->group(group);
}

void Context::prepare() {
  if (quiet && verbose) {
    throw InputError("--quiet and --verbose contradict each other; pass one of them");
  }
  auto logger = spdlog::stderr_color_mt("itm");
  logger->set_pattern("itm: %v");
  logger->set_level(quiet ? spdlog::level::err : verbose ? spdlog::level::debug : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  if (!out_.empty()) {
    check_target("--out", out_);
  }
  blas::reserve(threads);
}

void Context::check_page(const std::filesystem::path& html, const std::filesystem::path& journal) const {
  if (html.empty()) {
    return;
  }
  check_target("--html", html);
  if (is_same_file(html, out_)) {
    throw InputError(fmt::format("--html {}: is the file of --out as well; name another", path_text(html)));
  }
  if (is_same_file(html, journal)) {
    throw InputError(fmt::format("--html {}: is the journal; name another file for the page", path_text(html)));
  }
}

Format Context::format() const {
  if (format_) {
    return *format_;
  }
  const std::string ending = out_.extension().string();
  return ending == ".json" ? Format::json : ending == ".csv" ? Format::csv : Format::table;
}

Paint Context::paint() const {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  return {format() == Format::table && out_.empty() && !refused && ::isatty(STDOUT_FILENO) == 1};
}

void Context::write(std::string_view result) const {
  if (cancelled()) {
    throw Interrupted();
  }
  io::refuse_any_cut();
  if (out_.empty()) {
    write_to_stdout(result);
  } else {
    write_file_atomically(out_, result);
    spdlog::info("wrote {}", path_text(out_));
  }
}

void Context::write(std::string_view result, const std::filesystem::path& html, std::string_view page) const {
  write(result);
  if (!html.empty()) {
    write_file_atomically(html, page);
  }
}

std::shared_ptr<ItmEngine> Context::engine(const EngineOptions& options) const {
  const BackendChoice choice = itm::resolve_backend(backend);
  if (!choice.note.empty()) {
    spdlog::info("{}", choice.note);
  }
  if (!choice.cuda) {
    return nullptr;
  }
  try {
    return open_cuda_engine(options);
  } catch (const DeviceError& error) {
    if (backend == Backend::cuda) {
      throw;
    }
    spdlog::warn("{}; using the CPU", error.what());
    return nullptr;
  }
}

void Context::fill(RankOptions& options, MethodList methods, const EngineOptions& engine_options) const {
  options.method = std::move(methods);
  options.seed = seed;
  options.threads = threads;
  options.device = backend;
  options.cancelled = cancelled;
  bool on_gpu = false;
  for (const std::string& name : options.method) {
    if (name != "all") {
      require_device(find_estimator(name), backend);
    }
    on_gpu = on_gpu || name == "all" || find_estimator(name).on_gpu;
  }
  if (on_gpu) {
    options.engine = engine(engine_options);
    options.device = options.engine ? backend : Backend::cpu;
  }
}

std::unique_ptr<Progress> Context::progress(const std::string& label) const {
  return std::make_unique<Progress>(label, !quiet && ::isatty(STDERR_FILENO) == 1);
}

}  // namespace itm::cli
