#include "cli/choice_inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cli/engine_options.hpp"
#include "cli/method_options.hpp"
#include "core/text.hpp"
#include "io/kinds_csv.hpp"
#include "io/model_facts.hpp"
#include "itm/error.hpp"
#include "report/scores_file.hpp"
#include "report/sortable.hpp"

namespace itm::cli {
namespace {

using ScoredCell = std::pair<std::string, std::string>;  // data set, method

void add_files(const ChoiceInputs& inputs, const std::string& lone, ChoiceTables& tables, std::set<ScoredCell>& have) {
  for (const std::filesystem::path& file : inputs.scores) {
    for (const ScoreTable& table : read_scores_file(file).tables) {
      MethodScores scores{
          table.dataset.empty() ? lone : table.dataset, table.method.empty() ? "score" : table.method, {}};
      if (scores.dataset.empty()) {
        throw InputError(fmt::format("{}: does not say which data set its scores are for; pass --dataset with one",
                                     path_text(file)));
      }
      if (!have.insert({scores.dataset, scores.method}).second) {
        throw InputError(fmt::format("{}: scores {} by {} a second time; keep one of them", path_text(file),
                                     in_quotes(scores.dataset), in_quotes(scores.method)));
      }
      for (const ModelScore& model : table.models) {
        scores.order[model.model] = model.score;
      }
      tables.scores.push_back(std::move(scores));
    }
  }
}

/// Scores the zoo's models on the data sets with the methods that no file has scored all of them with.
void add_zoo_scores(ChoiceInputs& inputs, const Zoo& zoo, const std::vector<std::string>& datasets,
                    const Context& context, ChoiceTables& tables, const std::set<ScoredCell>& have) {
  inputs.rank.datasets.clear();
  std::copy_if(datasets.begin(), datasets.end(), std::back_inserter(inputs.rank.datasets),
               [&](const std::string& dataset) { return zoo.datasets.count(dataset) > 0; });
  std::vector<std::string> methods;
  for (const std::string& method : inputs.methods.empty() ? default_vote() : inputs.methods) {
    if (std::any_of(inputs.rank.datasets.begin(), inputs.rank.datasets.end(), [&](const std::string& dataset) {
          return have.count({dataset, method}) == 0;
        })) {
      methods.push_back(method);
    }
  }
  if (methods.empty() || inputs.rank.datasets.empty()) {
    return;
  }
  context.fill(inputs.rank, methods, inputs.engine);
  RankReport report;
  {
    const auto bar = context.progress("scoring");
    inputs.rank.progress = bar->of_ranking();
    report = rank_zoo(zoo, inputs.rank);
  }
  for (const RankedDataset& result : report.results) {
    if (have.count({result.dataset, result.method}) > 0) {
      continue;  // the file was given for it
    }
    MethodScores scores{result.dataset, result.method, {}};
    for (const ScoredModel& model : result.models) {
      scores.order[model.model] = sortable(model.score);
    }
    tables.scores.push_back(std::move(scores));
  }
  for (const Failure& failure : report.failures) {
    spdlog::warn("not scored: {} on {}: {}", printable(failure.model, 200), printable(failure.dataset, 200),
                 failure.message);
  }
}

}  // namespace

void add_choice_inputs(CLI::App& app, ChoiceInputs& inputs) {
  add_zoo_folder(app, inputs.zoo);
  app.add_option("--scores", inputs.scores, "Scores instead of or beside a zoo: what itm rank wrote (JSON, CSV)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--methods", inputs.methods,
                 "Methods that vote, separated by commas; default: all of --scores, and on a zoo " +
                     fmt::format("{}", fmt::join(default_vote(), ",")))
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--kinds", inputs.kinds,
                 "CSV model,kind: architecture family, pre-training ...; models without a past take after their kind")
      ->type_name("CSV");
  app.add_option("--kind", inputs.kind_column, "Column of --kinds (default: the second), or of the zoo's manifest")
      ->type_name("NAME");
  app.add_option("--html", inputs.html, "Also write a self-contained page with tables and plots")->type_name("FILE");
  app.add_flag("--keep-going", inputs.rank.keep_going, "Leave out models that fail and score the others");
  add_method_options(app, inputs.rank);
  add_engine_options(app, inputs.engine);
}

void name_files(const ChoiceInputs& inputs, const Context& context) {
  context.writes("--html", inputs.html);
  for (const std::filesystem::path& file : inputs.scores) {
    context.reads("a file of --scores", file);
  }
  context.reads("the file of --kinds", inputs.kinds);
}

std::optional<Zoo> find_optional_zoo(const ChoiceInputs& inputs, const std::vector<std::string>& known,
                                     const Context& context) {
  refuse_choice_of_nothing(inputs.zoo);
  if (inputs.zoo.folder.empty()) {
    return std::nullopt;
  }
  Zoo zoo = find_zoo(inputs.zoo, known, context);
  context.computes_from(zoo);
  return zoo;
}

void read_choice_inputs(ChoiceInputs& inputs, const std::optional<Zoo>& zoo, const std::vector<std::string>& datasets,
                        const std::string& lone, const Context& context, ChoiceTables& tables) {
  std::set<ScoredCell> have;
  add_files(inputs, lone, tables, have);
  if (!inputs.kinds.empty()) {
    tables.kind = io::read_kinds(inputs.kinds, inputs.kind_column);
  } else if (!inputs.kind_column.empty()) {
    if (!zoo) {
      throw InputError("--kind names a column of --kinds or a fact of a zoo, and neither is given; pass one");
    }
    tables.kind = io::facts_of(*zoo).words(inputs.kind_column);
  }
  if (zoo) {
    add_zoo_scores(inputs, *zoo, datasets, context, tables, have);
  }
}

}  // namespace itm::cli
