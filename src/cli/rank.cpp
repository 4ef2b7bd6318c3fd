// `itm rank`: the models of a zoo, best first.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/method_options.hpp"
#include "cli/names.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "cli/zoo_option.hpp"
#include "core/text.hpp"
#include "itm/estimator.hpp"

namespace itm::cli {
namespace {

struct RankArguments {
  ZooChoice zoo;
  std::filesystem::path truth;
  std::filesystem::path html;
  std::vector<std::string> methods{"itm"};
  RankOptions rank;
  EngineOptions engine;
  std::size_t bootstrap = 0;
  std::optional<double> time_budget;  ///< seconds
  Record from;                        ///< --from; without a command: none
};

/// Known before hours of work: a truth file that says nothing about this zoo.
void require_overlap(const Zoo& zoo, const std::vector<std::string>& datasets, const GroundTruth& truth) {
  const std::vector<std::string> names = datasets.empty() ? zoo.dataset_names() : datasets;
  bool common_dataset = false;
  for (const std::string& name : names) {
    const auto column = truth.accuracy.find(name);
    if (column == truth.accuracy.end()) {
      continue;
    }
    common_dataset = true;
    const std::vector<ZooEntry>& entries = zoo.entries(name);
    if (std::any_of(entries.begin(), entries.end(),
                    [&](const ZooEntry& entry) { return column->second.count(entry.model) > 0; })) {
      return;
    }
  }
  throw InputError(
      common_dataset
          ? fmt::format("{}: names none of the models to be ranked in {}; compare the spelling of model names",
                        path_text(truth.file), path_text(zoo.directory))
          : fmt::format("{}: has no column for {}; it has {}", path_text(truth.file),
                        printable(fmt::format("{}", fmt::join(names, ", ")), 400),
                        printable(fmt::format("{}", fmt::join(truth.datasets, ", ")), 400)));
}

std::string text_of(const RankReport& report, const Context& context) {
  return context.in_format([&] { return to_json(report); }, [&] { return to_csv(report, context.csv_text()); },
                           [&] { return to_table(report, context.paint().on); });
}

/// Once per method and sentence.
void warn_of_notes(const RankReport& report) {
  std::set<std::string> said;
  for (const RankedDataset& result : report.results) {
    for (const ScoredModel& model : result.models) {
      if (!model.note.empty() && said.insert(result.method + ": " + model.note).second) {
        spdlog::warn("{}: {}", result.method, model.note);
      }
    }
  }
}

/// The page, with what was asked for beside what came out.
std::string page_of(const RankReport& report, const RankArguments& o, const Context& context) {
  HtmlOptions page;
  page.facts = {{"zoo", path_text(o.zoo.folder)}};
  if (!o.truth.empty()) {
    page.facts.emplace_back("truth", path_text(o.truth));
  }
  page.facts.emplace_back("seed", std::to_string(context.seed));
  if (o.rank.repeats > 1) {
    page.facts.emplace_back("repeats", std::to_string(o.rank.repeats));
  }
  return to_html(report, page);
}

/// Says before the work begins that a method will be waited for, and what makes it less.
void warn_of_cost(const ExpectedWork& work, const RankOptions& options) {
  constexpr double long_wait = 60;  // seconds
  const double seconds = work.seconds / std::max(options.threads, 1);
  if (seconds > long_wait) {
    spdlog::warn("{} on {} takes about {} ({} rows of {}){}", work.method, printable(work.dataset, 200),
                 duration(seconds), with_commas(static_cast<std::uint64_t>(work.rows)), plural(work.models, "model"),
                 options.rows == 0 ? "; --rows N or --time-budget SECONDS scores a sample" : "");
  }
}

ExitStatus rank(RankArguments& o, const Context& context) {
  context.writes("--html", o.html);
  context.reads("the file of --truth", o.truth);
  o.zoo.datasets = each_once(o.zoo.datasets);
  o.rank.datasets = o.zoo.datasets;
  context.fill(o.rank, o.methods, o.engine);

  std::optional<GroundTruth> truth;
  if (!o.truth.empty()) {
    truth = read_ground_truth(o.truth);
  }
  const Zoo zoo = find_zoo(o.zoo, truth ? truth->datasets : std::vector<std::string>(), context);
  context.computes_from(zoo, o.rank.datasets);
  if (!o.from.command.empty()) {
    for (const std::string& change : changes_of_data(o.from, context.data())) {
      spdlog::warn("{}", change);
    }
  }
  if (truth) {
    require_overlap(zoo, o.rank.datasets, *truth);
  }

  if (o.time_budget) {
    if (o.rank.rows > 0) {
      throw InputError("--time-budget chooses the rows; leave out --rows, or the budget");
    }
    o.rank.rows = rows_within(zoo, o.rank, *o.time_budget);
    if (o.rank.rows > 0) {
      spdlog::warn("for a time budget of {}: {} rows of a data set, the same for all models", duration(*o.time_budget),
                   with_commas(o.rank.rows));
    }
  }
  o.rank.expected = [&o](const ExpectedWork& work) { warn_of_cost(work, o.rank); };
  RankReport report;
  {
    const auto bar = context.progress("ranking");
    o.rank.progress = bar->of_ranking();
    report = rank_zoo(zoo, o.rank);
  }
  if (truth) {
    add_agreement(report, *truth, {o.bootstrap, 0.95, context.seed});
  }
  const std::string page = o.html.empty() ? std::string() : page_of(report, o, context);
  context.write(text_of(report, context), o.html, page);
  if (context.format() != Format::table) {  // the table says it itself
    for (const Failure& failure : report.failures) {
      spdlog::warn("not ranked: {} on {}: {}", printable(failure.model, 200), printable(failure.dataset, 200),
                   failure.message);
    }
    warn_of_notes(report);
  }
  return ExitStatus::success;
}

}  // namespace

Command rank_command() {
  return {
      "rank",
      "Rank the models of a zoo, best first",
      [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<RankArguments>();
        add_zoo(app, o->zoo, "Rank on this data set only; can be repeated");
        app.add_option("--method", o->methods, "Methods, separated by commas, or all")
            ->type_name("NAME")
            ->delimiter(',')
            ->allow_extra_args(false)  // or the zoo after it would be taken for a method
            ->default_str("itm");
        app.add_option("--truth", o->truth, "CSV of fine-tuned accuracies: adds tau_w and its kin")->type_name("CSV");
        app.add_option("--html", o->html, "Also write a self-contained page with tables and plots")->type_name("FILE");
        add_number<std::size_t>(app, "--bootstrap", o->bootstrap, 0, 1'000'000,
                                "Resamples for a 95 % interval of tau_w; 0: none");
        app.add_flag("--keep-going", o->rank.keep_going, "Leave out models that fail and rank the others");
        add_method_options(app, o->rank);
        add_number<double>(app, "--time-budget", o->time_budget, 0.01, 1e7,
                           "Seconds that the ranking may take, roughly: scores as many rows as that allows");
        add_engine_options(app, o->engine);
        add_from(app, o->from);
        app.footer(
            "Examples:\n"
            "  itm rank examples/glyphs\n"
            "  itm rank examples/glyphs --truth examples/glyphs/ground_truth.csv --bootstrap 1000\n"
            "  itm rank examples/glyphs --method all --truth examples/glyphs/ground_truth.csv\n"
            "  itm rank my_zoo --truth accuracies.csv --html report.html\n"
            "  itm rank my_zoo --dataset pets --repeats 3 --out ranking.json\n"
            "  itm rank --from ranking.json --seed 7 --out again.json");
        return [o, &context] { return rank(*o, context); };
      },
      {"--dataset", "--method", "--truth", "--html", "--out", "--format", "--threads", "--seed"}};
}

}  // namespace itm::cli
