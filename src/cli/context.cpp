#include "cli/context.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "cli/options.hpp"
#include "cli/say.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "io/cut_files.hpp"
#include "io/fingerprint.hpp"
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

}  // namespace

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
  app.add_flag("--force", force_, "Replace files that are there already")->group(group);
  app.add_flag("--raw-csv", raw_csv_, "Names in CSV as they are, also those that a spreadsheet runs as formulas")
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

void Context::prepare(const CLI::App& command) {
  command_ = &command;
  if (quiet && verbose) {
    throw InputError("--quiet and --verbose contradict each other; pass one of them");
  }
  open_log(quiet, verbose);
  files_.may_replace(force_);
  files_.writes("--out", out_);
  blas::reserve(threads);
}

void Context::reads(const Zoo& zoo) const {
  for (const auto& [dataset, entries] : zoo.datasets) {
    for (const ZooEntry& entry : entries) {
      for (const std::filesystem::path& file : io::files_of(entry)) {
        files_.reads("a file of the zoo", file);
      }
      files_.reads("a file of the zoo", entry.classes);
    }
  }
}

void Context::computes_from(const Zoo& zoo, const std::vector<std::string>& datasets) const {
  for (const auto& [dataset, entries] : zoo.datasets) {
    if (datasets.empty() || std::find(datasets.begin(), datasets.end(), dataset) != datasets.end()) {
      datasets_[dataset] = entries;
    }
  }
}

const std::vector<DataIdentity>& Context::data() const {
  if (!data_) {
    data_ = identify(datasets_, threads);
  }
  return *data_;
}

Record Context::record() const {
  Record record = record_of(*command_, seed);
  record.data = data();
  return record;
}

std::string Context::recorded(std::string page) const { return with_record_in_page(std::move(page), record()); }

void Context::keeps_journal(const std::filesystem::path& file) const {
  files_.keeps("--journal", "the journal", file);
  std::error_code ignored;
  if (!file.empty() && std::filesystem::exists(file, ignored)) {
    files_.may_replace(true);
  }
}

void Context::require_targets() const {
  const std::string ending = out_.extension().string();
  if (!format_ && !out_.empty() && ending != ".json" && ending != ".csv" && ending != ".txt" && !ending.empty()) {
    throw InputError(fmt::format("--out {}: {} is no ending of a result; use .json, .csv or .txt, or say --format{}",
                                 path_text(out_), in_quotes(ending),
                                 ending == ".html" ? ", and --html FILE for a page" : ""));
  }
  files_.require_new();
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

void Context::write(std::string_view result) const { write(result, {}, {}); }

void Context::write(std::string_view result, const std::filesystem::path& html, std::string_view page) const {
  require_targets();
  if (cancelled()) {
    throw Interrupted();
  }
  io::refuse_any_cut();
  std::string whole;
  if (format() == Format::table) {
    whole = printable_lines(result, paint().on);  // whatever a name in a table holds, the terminal sees none of it
    result = whole;
  } else if (format() == Format::json) {
    whole = with_record_in_json(std::string(result), record());
    result = whole;
  } else if (!datasets_.empty()) {
    whole = with_record_in_csv(std::string(result), record());
    result = whole;
  }
  std::string recorded_page;
  if (!html.empty() && !datasets_.empty()) {
    recorded_page = recorded(std::string(page));
    page = recorded_page;
  }
  // Standard output comes last: where it is gone, the files are there nevertheless.
  if (!out_.empty()) {
    write_file_atomically(out_, result);
    say_when_interrupted(fmt::format("interrupted; {} was written before", path_text(out_)));
    say_what_was_written(out_);
  }
  if (!html.empty()) {
    write_file_atomically(html, page);
    say_when_interrupted(fmt::format("interrupted; {} was written before", path_text(out_.empty() ? html : out_)));
    say_what_was_written(html);
  }
  if (out_.empty()) {
    write_to_stdout(result);
  }
}

std::shared_ptr<ItmEngine> Context::engine(const EngineOptions& options) const {
  EngineOptions telling = options;
  telling.say = [](const std::string& sentence) { spdlog::info("{}", sentence); };
  telling.checked = [](std::span<const Deviation> stages) {
    for (const Deviation& stage : stages) {
      spdlog::debug("self-check: {} off by {:.1e} of {:.0e}", stage.name, stage.frobenius, stage.tolerance);
    }
  };
  return open_engine(backend, telling);
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

void Context::say_what_was_written(const std::filesystem::path& file) const {
  if (!quiet) {
    say(fmt::format("wrote {}", path_text(file)));
  }
}

std::unique_ptr<Progress> Context::progress(const std::string& label) const {
  require_targets();
  return std::make_unique<Progress>(label, !quiet && ::isatty(STDERR_FILENO) == 1);
}

}  // namespace itm::cli
