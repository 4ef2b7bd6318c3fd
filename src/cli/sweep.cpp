// `itm sweep`: every data set with every method under every combination of settings, resumable.

#include <fmt/format.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/mpi_sweep.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "itm/sweep.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

struct SweepArguments {
  std::string merge;  ///< that word, or empty
  fs::path spec;
  fs::path journal;
  fs::path html;
  EngineOptions engine;
  SweepShard shard;
  bool dry_run = false;
  bool keep_going = false;
};

bool is_given(const CLI::App& app, const std::string& option) { return app.get_option(option)->count() > 0; }

/// "2/8".
SweepShard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  SweepShard shard;
  const auto read = [&](std::string_view digits, std::size_t& target) {
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), target);
    return error == std::errc{} && stop == digits.data() + digits.size();
  };
  if (slash == std::string::npos || !read(std::string_view(text).substr(0, slash), shard.index) ||
      !read(std::string_view(text).substr(slash + 1), shard.count) || shard.index == 0 || shard.index > shard.count) {
    detail::refuse("--shard", text, "i/n with i from 1 to n");
  }
  return shard;
}

/// sweeps/pets.json -> sweeps/pets.journal.jsonl.
fs::path journal_of(const SweepArguments& o) {
  return o.journal.empty() ? o.spec.parent_path() / (o.spec.stem().native() + ".journal.jsonl") : o.journal;
}

/// --html; shards, which know nothing of one another, write sweep.2-of-8.html.
fs::path page_of(const SweepArguments& o) {
  if (o.html.empty() || o.shard.count == 1) {
    return o.html;
  }
  return o.html.parent_path() / fmt::format("{}.{}-of-{}{}", o.html.stem().native(), o.shard.index, o.shard.count,
                                            o.html.extension().native());
}

/// Processes of one machine share its cores, unless the launcher gave each its own.
int threads_of(const CLI::App& app, const Context& context, const SweepJob& job) {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  const bool has_all =
      ::sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) == ::sysconf(_SC_NPROCESSORS_ONLN);
  if (is_given(app, "--threads") || !has_all) {
    return context.threads;
  }
  return std::max(1, context.threads / static_cast<int>(job.local_processes()));
}

std::vector<std::string> datasets_of(const SweepPlan& plan) {
  std::vector<std::string> names;
  for (const SweepUnit& unit : plan.units) {
    if (names.empty() || names.back() != unit.dataset) {
      names.push_back(unit.dataset);
    }
  }
  return names;
}

/// The plan, after every file that goes with it was named.
SweepPlan plan_of(const SweepArguments& o, const Context& context) {
  context.reads("the spec", o.spec);
  SweepSpec spec = read_sweep_spec(o.spec);
  context.reads("the truth of the spec", spec.truth);
  SweepPlan plan = plan_sweep(std::move(spec));
  context.reads(plan.zoo);
  context.computes_from(plan.zoo, datasets_of(plan));
  return plan;
}

/// Whether a unit runs on a GPU. Throws DeviceError where --backend cuda is asked of one that does not.
bool needs_engine(const SweepPlan& plan, const Context& context) {
  bool needed = false;
  for (const SweepUnit& unit : plan.units) {
    const Estimator& estimator = find_estimator(unit.method);
    require_device(estimator, context.backend);
    needed = needed || estimator.on_gpu;
  }
  return needed;
}

SweepOptions options_of(const SweepArguments& o, const Context& context) {
  SweepOptions options;
  options.journal = journal_of(o);
  options.threads = context.threads;
  options.keep_going = o.keep_going;
  options.shard = o.shard;
  options.cancelled = cancelled;
  return options;
}

void open_engine(SweepOptions& options, const SweepPlan& plan, const SweepArguments& o, const Context& context) {
  options.engine = needs_engine(plan, context) ? context.engine(o.engine) : nullptr;
  options.backend = backend_name(options.engine != nullptr, o.engine);
}

/// The page first: what fails in it leaves nothing behind.
void write(const SweepReport& report, const SweepSpec& spec, const SweepArguments& o, const Context& context) {
  if (report.unchecked > 0) {
    spdlog::warn("{}: {} of an earlier version of itm, without the checksums that tell a damaged line",
                 path_text(journal_of(o)), plural(report.unchecked, "line"));
  }
  std::string page;
  if (!o.html.empty()) {
    HtmlOptions options;
    options.title = "Sweep: " + o.spec.stem().string();
    options.facts = {{"zoo", path_text(spec.zoo)}};
    if (!spec.truth.empty()) {
      options.facts.emplace_back("truth", path_text(spec.truth));
    }
    page = to_html(report, options);
  }
  const std::string result =
      context.in_format([&] { return to_json(report); }, [&] { return to_csv(report, context.csv_text()); },
                        [&] { return to_table(report, context.paint().on); });
  context.write(result, page_of(o), page);
}

ExitStatus dry_run(const SweepArguments& o, const Context& context) {
  context.keeps_journal(journal_of(o));
  const SweepPlan plan = plan_of(o, context);
  const SweepEstimate estimate = estimate_sweep(plan, options_of(o, context));
  context.write(context.in_format([&] { return to_json(plan, estimate); },
                                  [&] { return to_csv(plan, context.csv_text()); },
                                  [&] { return to_table(plan, estimate, context.paint().on); }));
  return ExitStatus::success;
}

/// FILE.1-of-n and its like.
void read_shards(const fs::path& journal, const Context& context) {
  std::error_code ignored;
  const std::string start = journal.filename().native() + ".";
  for (const auto& entry : fs::directory_iterator(journal.has_parent_path() ? journal.parent_path() : ".", ignored)) {
    const std::string name = entry.path().filename().native();
    if (name.starts_with(start) && name.find("-of-") != std::string::npos) {
      context.reads("the journal of a shard", entry.path());
    }
  }
}

ExitStatus merge(const SweepArguments& o, const Context& context) {
  context.writes("--html", o.html);
  context.keeps_journal(journal_of(o));
  read_shards(journal_of(o), context);
  const SweepPlan plan = plan_of(o, context);
  SweepOptions options = options_of(o, context);
  open_engine(options, plan, o, context);
  write(merge_sweep(plan, options), plan.spec, o, context);
  return ExitStatus::success;
}

ExitStatus sweep_on(SweepJob& job, const CLI::App& app, const SweepArguments& o, const Context& context) {
  // The first process meets what is wrong with the spec before the others look at it.
  std::optional<SweepPlan> plan;
  SweepOptions options = options_of(o, context);
  const std::string agreed = job.agree([&] {
    context.writes("--html", page_of(o));
    context.keeps_journal(shard_journal(journal_of(o), o.shard));
    plan = plan_of(o, context);
    open_engine(options, *plan, o, context);
    return plan->hash + " on " + options.backend;
  });
  if (!plan) {
    plan = plan_of(o, context);
    open_engine(options, *plan, o, context);
    if (plan->hash + " on " + options.backend != agreed) {
      throw InputError(
          fmt::format("{}: this process has other units or another device than the first one; give all the same files "
                      "and --backend",
                      path_text(o.spec)));
    }
  }
  options.threads = threads_of(app, context, job);
  say_when_interrupted(fmt::format("interrupted; {} keeps the finished units, and the same command goes on from there",
                                   path_text(shard_journal(options.journal, o.shard))));
  const auto bar = context.progress(job.is_first() ? "sweeping" : "");
  options.progress = [&bar, first = std::optional<std::size_t>()](std::size_t done, std::size_t total) mutable {
    first = first.value_or(done);  // what the journal had took no time
    bar->update(done - *first, total - *first);
  };
  const std::optional<SweepReport> report = job.run(*plan, options);
  job.finish();
  if (report) {
    write(*report, plan->spec, o, context);
  }
  return ExitStatus::success;
}

ExitStatus sweep(const CLI::App& app, const SweepArguments& o, const Context& context) {
  if (is_given(app, "--seed")) {
    throw InputError("--seed: seeds of a sweep stand in its spec; add \"seed\" to the settings there");
  }
  const bool wants_merge = !o.merge.empty();
  if (wants_merge && (o.dry_run || o.shard.count > 1)) {
    throw InputError("itm sweep merge takes neither --shard nor --dry-run; leave them out");
  }
  if (o.dry_run && !o.html.empty()) {
    throw InputError("--html: a dry run has nothing to show in a page; leave one of the two out");
  }
  if (o.dry_run) {
    return dry_run(o, context);
  }
  if (wants_merge) {
    return merge(o, context);
  }
  SweepJob job;
  try {
    return sweep_on(job, app, o, context);
  } catch (const Error& error) {
    job.abort(error.what(), static_cast<int>(error.status()));
    throw;
  } catch (const std::exception& error) {
    job.abort(error.what(), static_cast<int>(ExitStatus::bad_input));
    throw;
  }
}

/// The word merge comes first, but is seldom there: a lone word is the spec.
void add_spec(CLI::App& app, SweepArguments& o) {
  app.add_option("merge", o.merge, "This word: join the journals of shards, then show what the whole sweep would")
      ->type_name("");
  app.add_option("spec", o.spec, "What to sweep, JSON (docs/sweeps.md)")->type_name("SPEC");
  app.parse_complete_callback([&o] {
    if (o.spec.empty()) {
      o.spec = std::exchange(o.merge, "");
    }
    if (o.spec.empty() || o.spec == "merge") {
      throw CLI::RequiredError("spec");
    }
    if (!o.merge.empty() && o.merge != "merge") {
      throw CLI::ValidationError(fmt::format("unexpected argument {}", in_quotes(o.spec.native())));
    }
  });
}

}  // namespace

Command sweep_command() {
  return {
      "sweep", "Data sets x methods x settings, resumable", [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<SweepArguments>();
        add_spec(app, *o);
        app.add_option("--journal", o->journal,
                       "Finished units, kept as they come; default: the spec's name with .journal.jsonl")
            ->type_name("FILE");
        app.add_flag("--dry-run", o->dry_run, "Show the units, their memory and time, and run none");
        app.add_option(
               "--shard",
               [o](const CLI::results_t& texts) {
                 o->shard = parse_shard(texts.at(0));
                 return true;
               },
               "Only the i-th of n parts, with a journal of its own (FILE.i-of-n)")
            ->type_name("i/n");
        app.add_flag("--keep-going", o->keep_going, "Leave out models that fail and go on");
        app.add_option("--html", o->html, "Also write a self-contained page with tables and plots")->type_name("FILE");
        add_engine_options(app, o->engine);
        app.footer(
            "Examples:\n"
            "  itm sweep examples/sweep.json --dry-run\n"
            "  itm sweep examples/sweep.json --journal /tmp/glyphs.journal.jsonl --html sweep.html\n"
            "  mpirun -n 4 itm sweep sweep.json --threads 8\n"
            "  itm sweep sweep.json --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT\n"
            "  itm sweep merge sweep.json --out sweep.csv\n"
            "\n"
            "The same command again goes on where the journal ends.");
        return [o, &app, &context] { return sweep(app, *o, context); };
      }};
}

}  // namespace itm::cli
