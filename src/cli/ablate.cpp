// `itm ablate`: the paper's ablations of ITM on any zoo.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/method_options.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "itm/ablation.hpp"
#include "ranking/settings.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

struct AblateArguments {
  std::string ablation;
  std::vector<std::string> values;
  AblationInput input;
  fs::path journal;
  fs::path html;
  RankOptions rank;
  EngineOptions engine;
};

/// The settings of ITM that stand on the command line.
std::vector<std::pair<std::string, SettingValue>> given_settings(const CLI::App& app, const RankOptions& options) {
  std::vector<std::pair<std::string, SettingValue>> given;
  for (const SharedSetting& shared : shared_settings()) {
    const CLI::Option* option = app.get_option_no_throw("--" + shared.setting.name);
    if (shared.scope == SettingScope::training && option != nullptr && option->count() > 0) {
      given.emplace_back(shared.setting.name, shared.read(options));
    }
  }
  return given;
}

/// Training rows of the largest data set that is ablated.
std::size_t training_rows(const SweepPlan& plan) {
  std::size_t most = 0;
  for (const SweepUnit& unit : plan.units) {
    most = std::max(most, plan.zoo.entries(unit.dataset).front().feature.rows());
  }
  return most - most / 5;
}

void write(const AblationReport& report, const AblateArguments& o, const Context& context) {
  const std::string page =
      o.html.empty()
          ? std::string()
          : to_html(report, {.facts = {{"zoo", path_text(o.input.zoo)}, {"truth", path_text(o.input.truth)}}});
  const std::string result =
      context.in_format([&] { return to_json(report); }, [&] { return to_csv(report, context.csv_text()); },
                        [&] { return to_table(report, context.paint().on); });
  context.write(result, o.html, page);
}

ExitStatus ablate(const CLI::App& app, AblateArguments& o, const Context& context) {
  Ablation ablation = find_ablation(o.ablation);
  if (!o.values.empty()) {
    ablation = with_values(std::move(ablation), o.values);
  }
  context.writes("--html", o.html);
  context.reads("the file of --truth", o.input.truth);
  context.keeps_journal(o.journal);
  if (app.get_option("--seeds")->count() == 0) {
    o.input.seeds = ablation.seeds;
  }
  o.input.first_seed = context.seed;
  o.input.settings = given_settings(app, o.rank);
  SweepPlan plan = plan_sweep(sweep_of(ablation, o.input));
  if (o.values.empty()) {
    // A larger batch is cut to the training rows, and would be the same again.
    ablation = with_batches_up_to(std::move(ablation), training_rows(plan));
    plan = plan_sweep(sweep_of(ablation, o.input));
  }
  context.reads(plan.zoo);
  context.computes_from(plan.zoo, plan.spec.datasets);
  SweepOptions options;
  options.journal = o.journal;
  options.threads = context.threads;
  options.cancelled = cancelled;
  options.engine = context.engine(o.engine);
  options.backend = backend_name(options.engine != nullptr, o.engine);
  if (!o.journal.empty()) {
    say_when_interrupted(fmt::format(
        "interrupted; {} keeps the finished units, and the same command goes on from there", path_text(o.journal)));
  }
  SweepReport report;
  {
    const auto bar = context.progress("ablating");
    options.progress = bar->callback();
    report = run_sweep(plan, options);
  }
  write(summarise(ablation, report), o, context);
  return ExitStatus::success;
}

std::string footer() {
  std::string text = "Ablations:\n";
  for (const Ablation& ablation : ablations()) {
    text += fmt::format("  {:<12} {}{}\n", ablation.name, ablation.description,
                        ablation.paper.empty() ? "" : fmt::format(" (the paper's {})", ablation.paper));
  }
  return text +
         "\n"
         "Examples:\n"
         "  itm ablate standardise examples/glyphs --truth examples/glyphs/ground_truth.csv\n"
         "  itm ablate batch-size my_zoo --truth accuracies.csv --journal batch.jsonl --html batch.html\n"
         "  itm ablate eta my_zoo --truth accuracies.csv --seeds 5 --iterations 200 --out eta.json\n"
         "  itm ablate steps my_zoo --truth accuracies.csv --values 1,3,5\n"
         "\n"
         "With --journal the same command goes on where it was interrupted. More than one setting at a time: itm "
         "sweep.";
}

}  // namespace

Command ablate_command() {
  return {
      "ablate", "How ITM's settings change tau_w", [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<AblateArguments>();
        app.add_option("ablation", o->ablation, "What to vary; see below")->type_name("NAME")->required();
        app.add_option("zoo", o->input.zoo, "Folder with {model}_{dataset}_feature.npy and ..._label.npy")
            ->type_name("ZOO")
            ->required();
        app.add_option("--truth", o->input.truth, "CSV of fine-tuned accuracies")->type_name("CSV")->required();
        app.add_option("--dataset", o->input.datasets, "On this data set only; can be repeated")
            ->type_name("NAME")
            ->delimiter(',')
            ->allow_extra_args(false);
        app.add_option("--values", o->values, "Values of the setting, separated by commas, instead of its own")
            ->type_name("LIST")
            ->delimiter(',')
            ->allow_extra_args(false);
        add_number<std::size_t>(app, "--seeds", o->input.seeds, 1, 10'000, "Seeds seed, seed + 1, ... per cell")
            ->default_str("3, centres: 10");
        app.add_option("--journal", o->journal, "Keep finished rankings here and go on from them")->type_name("FILE");
        app.add_option("--html", o->html, "Also write a self-contained page with table and plots")->type_name("FILE");
        add_itm_options(app, o->rank);
        add_engine_options(app, o->engine);
        app.footer(footer());
        return [o, &app, &context] { return ablate(app, *o, context); };
      }};
}

}  // namespace itm::cli
