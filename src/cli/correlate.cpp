// `itm correlate`: scores that exist already against fine-tuned accuracies.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "core/text.hpp"
#include "itm/agreement.hpp"
#include "itm/zoo.hpp"
#include "report/agreement_json.hpp"
#include "report/agreement_line.hpp"
#include "report/csv_field.hpp"
#include "report/scores_file.hpp"
#include "report/text_table.hpp"
#include "report/truth_match.hpp"

namespace itm::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CorrelateArguments {
  std::filesystem::path scores;
  std::filesystem::path truth;
  std::vector<std::string> datasets;
  std::size_t bootstrap = 0;
};

struct Correlation {
  std::string dataset;
  std::string method;
  Agreement agreement;
  std::vector<std::string> truth_missing;
};

std::string list(const std::vector<std::string>& names) {
  return printable(fmt::format("{}", fmt::join(names, ", ")), 400);
}

/// The truth column of a table that does not name its data set.
std::string implied_dataset(const CorrelateArguments& o, const GroundTruth& truth) {
  if (o.datasets.size() == 1) {
    return o.datasets.front();
  }
  if (o.datasets.empty() && truth.datasets.size() == 1) {
    return truth.datasets.front();
  }
  throw InputError(fmt::format("{}: does not say which data set its scores are for; pass --dataset with one of {}",
                               path_text(o.scores), list(truth.datasets)));
}

std::optional<Correlation> correlate(const ScoreTable& table, const std::string& dataset, const GroundTruth& truth,
                                     const BootstrapOptions& bootstrap) {
  const auto column = truth.accuracy.find(dataset);
  if (column == truth.accuracy.end()) {
    return std::nullopt;
  }
  TruthMatch match(column->second);
  for (const ModelScore& model : table.models) {
    (void)match.add(model.model, model.score, model.order);
  }
  if (match.empty()) {
    return std::nullopt;
  }
  return Correlation{dataset, table.method, match.measure(bootstrap), match.missing()};
}

std::vector<Correlation> correlate_all(const CorrelateArguments& o, const ScoresFile& scores, const GroundTruth& truth,
                                       const BootstrapOptions& bootstrap) {
  for (const std::string& dataset : o.datasets) {
    if (std::find(truth.datasets.begin(), truth.datasets.end(), dataset) == truth.datasets.end()) {
      throw InputError(
          fmt::format("{}: has no column {}; it has {}", path_text(o.truth), in_quotes(dataset), list(truth.datasets)));
    }
  }
  std::vector<Correlation> found;
  for (const ScoreTable& table : scores.tables) {
    const std::string dataset = table.dataset.empty() ? implied_dataset(o, truth) : table.dataset;
    const bool wanted =
        o.datasets.empty() || std::find(o.datasets.begin(), o.datasets.end(), dataset) != o.datasets.end();
    if (auto c = wanted ? correlate(table, dataset, truth, bootstrap) : std::nullopt) {
      found.push_back(*std::move(c));
    }
  }
  if (found.empty()) {
    throw InputError(fmt::format("{} and {} have no model and data set in common; compare the spelling of names",
                                 path_text(o.scores), path_text(o.truth)));
  }
  return found;
}

std::string to_json(const std::vector<Correlation>& correlations) {
  Json json{{"schema", "itm.correlate/1"}, {"results", Json::array()}};
  for (const Correlation& c : correlations) {
    json["results"].push_back({{"dataset", c.dataset},
                               {"method", c.method},
                               {"agreement", agreement_json(c.agreement)},
                               {"truth_missing", c.truth_missing}});
  }
  return dump(json);
}

std::string to_csv(const std::vector<Correlation>& correlations, CsvText text) {
  std::string csv =
      "dataset,method,models,tau_w,tau_w_low,tau_w_high,tau_w_scipy,kendall,spearman,pearson,rel_at_1,rel_at_3\n";
  for (const Correlation& c : correlations) {
    const Agreement& a = c.agreement;
    const auto low = a.tau_w_interval ? std::optional(a.tau_w_interval->low) : std::nullopt;
    const auto high = a.tau_w_interval ? std::optional(a.tau_w_interval->high) : std::nullopt;
    csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(c.dataset, text), csv_field(c.method, text),
                       a.models, csv_number(a.tau_w), csv_number(low), csv_number(high), csv_number(a.tau_w_scipy),
                       csv_number(a.kendall), csv_number(a.spearman), csv_number(a.pearson), csv_number(a.rel_at_1),
                       csv_number(a.rel_at_3));
  }
  return csv;
}

std::string to_table(const std::vector<Correlation>& correlations, Paint paint) {
  using Align = TextTable::Align;
  const bool has_method =
      std::any_of(correlations.begin(), correlations.end(), [](const Correlation& c) { return !c.method.empty(); });
  const bool has_interval = std::any_of(correlations.begin(), correlations.end(),
                                        [](const Correlation& c) { return c.agreement.tau_w_interval.has_value(); });
  std::vector<TextTable::Column> columns{{"data set", Align::left}};
  if (has_method) {
    columns.push_back({"method", Align::left});
  }
  columns.insert(columns.end(), {{"models"}, {"tau_w"}});
  if (has_interval) {
    columns.push_back({"95 % interval"});
  }
  columns.insert(columns.end(), {{"scipy"}, {"Kendall"}, {"Spearman"}, {"Pearson"}, {"Rel@1"}, {"Rel@3"}});

  TextTable table(columns);
  std::map<std::string, std::vector<double>> tau_of_method;
  for (const Correlation& c : correlations) {
    const Agreement& a = c.agreement;
    std::vector<std::string> cells{c.dataset};
    if (has_method) {
      cells.push_back(c.method);
    }
    cells.insert(cells.end(), {std::to_string(a.models), figure(a.tau_w)});
    if (has_interval) {
      cells.push_back(a.tau_w_interval ? fmt::format("{:.2f} to {:.2f}", a.tau_w_interval->low, a.tau_w_interval->high)
                                       : "-");
    }
    for (const auto& value : {a.tau_w_scipy, a.kendall, a.spearman, a.pearson, a.rel_at_1, a.rel_at_3}) {
      cells.push_back(figure(value));
    }
    table.add(std::move(cells));
    if (a.tau_w) {
      tau_of_method[c.method].push_back(*a.tau_w);
    }
  }
  std::string text = table.text(paint);
  for (const auto& [method, taus] : tau_of_method) {
    if (taus.size() > 1) {
      double sum = 0;
      std::for_each(taus.begin(), taus.end(), [&](double tau) { sum += tau; });
      text += paint.bold(fmt::format("  mean tau_w{}{} {:.3f}\n", method.empty() ? "" : " of ", printable(method, 200),
                                     sum / static_cast<double>(taus.size())));
    }
  }
  for (const Correlation& c : correlations) {
    if (!c.truth_missing.empty()) {
      text +=
          paint.dim(fmt::format("  no truth on {} for {}", printable(c.dataset, 200), list(c.truth_missing))) + "\n";
    }
  }
  return text;
}

ExitStatus run(const CorrelateArguments& o, const Context& context) {
  context.reads("the file of --scores", o.scores);
  context.reads("the file of --truth", o.truth);
  const GroundTruth truth = read_ground_truth(o.truth);
  const ScoresFile scores = read_scores_file(o.scores);
  const auto correlations = correlate_all(o, scores, truth, {o.bootstrap, 0.95, context.seed});
  context.write(context.in_format([&] { return to_json(correlations); },
                                  [&] { return to_csv(correlations, context.csv_text()); },
                                  [&] { return to_table(correlations, context.paint()); }));
  return ExitStatus::success;
}

}  // namespace

Command correlate_command() {
  return {"correlate", "Set scores against fine-tuned accuracies", [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<CorrelateArguments>();
            app.add_option("--scores", o->scores, "What itm rank wrote (JSON, CSV), or a CSV model,score")
                ->required()
                ->type_name("FILE");
            app.add_option("--truth", o->truth, "CSV of fine-tuned accuracies: model, then one column per data set")
                ->required()
                ->type_name("CSV");
            app.add_option("--dataset", o->datasets, "This data set only; needed where the scores do not name theirs")
                ->type_name("NAME")
                ->delimiter(',');
            add_number<std::size_t>(app, "--bootstrap", o->bootstrap, 0, 1'000'000,
                                    "Resamples for a 95 % interval of tau_w; 0: none");
            app.footer(
                "Examples:\n"
                "  itm correlate --scores ranking.json --truth examples/glyphs/ground_truth.csv --bootstrap 1000\n"
                "  itm correlate --scores logme.csv --truth ground_truth.csv --dataset pets --format json");
            return [o, &context] { return run(*o, context); };
          }};
}

}  // namespace itm::cli
