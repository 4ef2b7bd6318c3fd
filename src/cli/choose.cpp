// `itm choose`: which models to fine-tune, with probabilities.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "cli/choice_inputs.hpp"
#include "cli/commands.hpp"
#include "cli/names.hpp"
#include "cli/options.hpp"
#include "core/text.hpp"
#include "io/model_facts.hpp"
#include "report/scores_file.hpp"

namespace itm::cli {
namespace {

struct ChooseArguments {
  ChoiceInputs inputs;
  std::vector<std::string> datasets;
  std::vector<std::filesystem::path> history;
  std::optional<std::size_t> budget;
  std::filesystem::path cost;
  std::string cost_column;
  double probability = 0.8;
};

/// The columns are those of a wide CSV of scores, or facts of the zoo.
void read_costs(const ChooseArguments& o, const std::optional<Zoo>& zoo, ChoiceTables& tables) {
  if (o.cost.empty()) {
    if (!o.cost_column.empty() && !zoo) {
      throw InputError("--cost-column names a column of --cost or a fact of a zoo, and neither is given; pass one");
    }
    if (!o.cost_column.empty()) {
      tables.cost_name = o.cost_column;
      tables.cost = io::facts_of(*zoo).numbers(o.cost_column);
    }
    return;
  }
  const ScoresFile file = read_scores_file(o.cost);
  std::vector<std::string> columns;
  for (const ScoreTable& table : file.tables) {
    columns.push_back(table.dataset);
    if (o.cost_column.empty() || table.dataset == o.cost_column) {
      tables.cost_name = table.dataset;
      for (const ModelScore& model : table.models) {
        tables.cost[model.model] = model.score;
      }
      return;
    }
  }
  throw InputError(fmt::format("{}: has no column {}; it has {}", path_text(o.cost), in_quotes(o.cost_column),
                               printable(fmt::format("{}", fmt::join(columns, ", ")), 400)));
}

/// Those asked for; else all that have scores.
std::vector<std::string> targets_of(const ChooseArguments& o, const std::vector<std::string>& scored) {
  if (!o.datasets.empty()) {
    return each_once(o.datasets);
  }
  if (scored.empty()) {
    throw InputError("which data set to choose for is not said; pass --dataset with its name");
  }
  return scored;
}

std::vector<std::string> datasets_of(const ChoiceTables& tables) {
  std::vector<std::string> names;
  for (const MethodScores& scores : tables.scores) {
    names.push_back(scores.dataset);
  }
  names = each_once(names);
  std::sort(names.begin(), names.end());
  return names;
}

ExitStatus choose(ChooseArguments& o, const Context& context) {
  name_files(o.inputs, context);
  ChoiceTables tables;
  std::vector<std::string> known = o.datasets;
  for (const std::filesystem::path& file : o.history) {
    context.reads("a file of --history", file);
    tables.truth.push_back(read_ground_truth(file));
    known.insert(known.end(), tables.truth.back().datasets.begin(), tables.truth.back().datasets.end());
  }
  context.reads("the file of --cost", o.cost);
  const std::optional<Zoo> zoo = find_optional_zoo(o.inputs, known, context);
  read_costs(o, zoo, tables);
  if (zoo && o.datasets.empty()) {
    const std::vector<std::string> names = zoo->dataset_names();
    known.insert(known.end(), names.begin(), names.end());
  }
  read_choice_inputs(o.inputs, zoo, each_once(known), o.datasets.size() == 1 ? o.datasets.front() : "", context,
                     tables);

  ChooseOptions options;
  options.methods = o.inputs.methods;
  options.budget = o.budget;
  options.sure = o.probability;
  options.seed = context.seed;
  std::vector<Choice> choices;
  for (const std::string& dataset : targets_of(o, datasets_of(tables))) {
    choices.push_back(choose_models(tables, dataset, options));
  }
  std::string page;
  if (!o.inputs.html.empty()) {
    HtmlOptions html{"Models to fine-tune", {}};
    if (zoo) {
      html.facts.emplace_back("zoo", path_text(o.inputs.zoo.folder));
    }
    for (const std::filesystem::path& file : o.history) {
      html.facts.emplace_back("history", path_text(file));
    }
    if (!tables.cost_name.empty()) {
      html.facts.emplace_back("cost", tables.cost_name);
    }
    html.facts.emplace_back("seed", std::to_string(context.seed));
    page = to_html(choices, html);
  }
  context.write(context.in_format([&] { return to_json(choices); }, [&] { return to_csv(choices, context.csv_text()); },
                                  [&] { return to_table(choices, context.paint().on); }),
                o.inputs.html, page);
  return ExitStatus::success;
}

}  // namespace

Command choose_command() {
  return {"choose", "Which models to fine-tune, with probabilities", [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<ChooseArguments>();
            app.add_option("--dataset", o->datasets, "Data set to choose for; default: each that has scores")
                ->type_name("NAME")
                ->delimiter(',')
                ->allow_extra_args(false);
            app.add_option(
                   "--history", o->history,
                   "CSV files of fine-tuned accuracies: model, then one column per data set; models that are known "
                   "on the data set itself may be among them")
                ->type_name("CSV");
            add_number<std::size_t>(app, "--budget", o->budget, 1, 1'000'000,
                                    "Models in the shortlist; default: as many as --probability takes");
            add_number(app, "--probability", o->probability, 0.05, 0.99,
                       "That the best is in the shortlist, and that truths are in their intervals");
            app.add_option("--cost", o->cost, "CSV of what models cost: model, then columns of numbers; adds a front")
                ->type_name("CSV");
            app.add_option("--cost-column", o->cost_column,
                           "Column of --cost (default: the first), or of the zoo's manifest")
                ->type_name("NAME");
            add_choice_inputs(app, o->inputs);
            // In `itm choose --history a.csv ZOO` the folder would be taken for a second history.
            app.parse_complete_callback([o] {
              std::filesystem::path& folder = o->inputs.zoo.folder;
              if (folder.empty() && o->history.size() > 1 && std::filesystem::is_directory(o->history.back())) {
                folder = o->history.back();
                o->history.pop_back();
              }
            });
            app.footer(
                "Examples:\n"
                "  itm choose examples/glyphs --dataset greek\n"
                "  itm choose examples/glyphs --dataset greek --history examples/truth/glyphs.csv --html choice.html\n"
                "  itm choose --scores examples/truth/glyphs_scores.csv --history examples/truth/glyphs.csv --dataset "
                "math\n"
                "  itm choose --history examples/truth/paper_table3.csv --dataset Flowers --budget 3\n"
                "  itm choose my_zoo --dataset pets --history past.csv --cost speed.csv --cost-column step_ms");
            return [o, &context] { return choose(*o, context); };
          }};
}

}  // namespace itm::cli
