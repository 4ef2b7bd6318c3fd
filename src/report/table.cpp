// The report as a person reads it: one table per (data set, method), the agreement under it, and one summary line.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/text.hpp"
#include "itm/estimator.hpp"
#include "report/agreement_line.hpp"
#include "report/comparison_table.hpp"
#include "report/result_grid.hpp"
#include "report/summary_line.hpp"
#include "report/text_table.hpp"

namespace itm {
namespace {

using Align = TextTable::Align;
using Style = TextTable::Style;

bool has_truth(const RankedDataset& result) {
  return std::any_of(result.models.begin(), result.models.end(),
                     [](const ScoredModel& m) { return m.truth.has_value(); });
}

std::string decimals(std::optional<double> value, int digits) {
  return value && std::isfinite(*value) ? fmt::format("{:.{}f}", *value, digits) : "-";
}

/// Details that the method wants beside its scores.
std::vector<DetailColumn> detail_columns(const RankedDataset& result) {
  const Estimator* known = known_estimator(result.method);
  return known == nullptr ? std::vector<DetailColumn>() : known->columns;
}

std::string title_of(const RankedDataset& result, Paint paint) {
  std::string facts = result.method;
  if (!result.models.empty()) {
    const Details& details = result.models.front().details;
    const auto rows = details.number("rows");
    const auto classes = details.number("classes");
    if (rows && classes) {
      facts += fmt::format(", {} rows, {} classes", with_commas(static_cast<std::uint64_t>(*rows)),
                           with_commas(static_cast<std::uint64_t>(*classes)));
    }
  }
  return fmt::format("{}  {}\n", paint.bold(printable(result.dataset, 200)), paint.dim(facts));
}

std::string table_of(const RankedDataset& result, Paint paint) {
  const std::vector<DetailColumn> details = detail_columns(result);
  const bool truth = has_truth(result);
  const bool errors = std::any_of(result.models.begin(), result.models.end(), [](const auto& m) { return m.error; });
  const bool ties = !result.models.empty() && result.models.back().group < static_cast<int>(result.models.size());
  std::vector<TextTable::Column> columns{{"rank"}, {"model", Align::left}, {"score"}};
  if (errors) {
    columns.push_back({"error"});
  }
  if (ties) {
    columns.push_back({"same", Align::left});
  }
  if (truth) {
    columns.push_back({"truth"});
  }
  for (const DetailColumn& detail : details) {
    columns.push_back({detail.title});
  }
  columns.push_back({"seconds"});

  TextTable table(columns);
  for (const ScoredModel& model : result.models) {
    std::vector<std::string> cells{std::to_string(model.rank), model.model, score_text(result.method, model.score)};
    if (errors) {
      cells.push_back(model.error ? fmt::format("± {}", error_text(result.method, *model.error)) : "-");
    }
    if (ties) {
      cells.push_back(group_letter(model.group));
    }
    if (truth) {
      cells.push_back(model.truth ? fmt::format("{:.2f}", *model.truth) : "-");
    }
    for (const DetailColumn& detail : details) {
      cells.push_back(decimals(model.details.number(detail.detail), detail.decimals));
    }
    cells.push_back(fmt::format("{:.2f}", model.seconds));
    table.add(std::move(cells), model.rank == 1 ? Style::good : Style::plain);
  }
  return table.text(paint);
}

/// tau_w per data set and method, with the mean where more than one data set has it.
std::string overview(const RankReport& report, Paint paint) {
  std::vector<std::string> datasets;
  std::vector<std::string> methods;
  const auto add_once = [](std::vector<std::string>& list, const std::string& name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) {
      list.push_back(name);
    }
  };
  std::map<std::pair<std::string, std::string>, std::optional<double>> tau;
  for (const RankedDataset& result : report.results) {
    if (result.agreement) {
      add_once(datasets, result.dataset);
      add_once(methods, result.method);
      tau[{result.dataset, result.method}] = result.agreement->tau_w;
    }
  }
  if (datasets.size() < 2) {
    return {};
  }
  std::vector<TextTable::Column> columns{{"tau_w", Align::left}};
  for (const std::string& method : methods) {
    columns.push_back({method});
  }
  TextTable table(columns);
  for (const std::string& dataset : datasets) {
    std::vector<std::string> cells{dataset};
    for (const std::string& method : methods) {
      cells.push_back(figure(tau[{dataset, method}]));
    }
    table.add(std::move(cells));
  }
  std::vector<std::string> means{"mean"};
  for (const std::string& method : methods) {
    double sum = 0;
    double count = 0;
    for (const std::string& dataset : datasets) {
      if (const auto value = tau[{dataset, method}]) {
        sum += *value;
        count += 1;
      }
    }
    means.push_back(figure(count > 0 ? std::optional(sum / count) : std::nullopt));
  }
  table.add(std::move(means), Style::bold);
  return table.text(paint) + "\n";
}

/// "a, b, c and 4 others".
std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 4;
  std::string text;
  const std::size_t shown = names.size() > most + 1 ? most : names.size();
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "" : ", ") + printable(names[i], 100);
  }
  return shown < names.size() ? fmt::format("{} and {} others", text, names.size() - shown) : text;
}

/// Which models of a result cannot be told apart from the best.
std::vector<std::string> best_group(const RankedDataset& result) {
  std::vector<std::string> names;
  for (const ScoredModel& model : result.models) {
    if (model.group == 1) {
      names.push_back(model.model);
    }
  }
  return names;
}

}  // namespace

std::string verdicts(const RankReport& report, Paint paint) {
  constexpr std::size_t advised = 3;
  std::string text;
  const auto verdict = [&](const std::string& dataset, const std::string& advice) {
    text += fmt::format("{}: {}\n", paint.bold(printable(dataset, 200)), advice);
  };
  const std::vector<Consensus> views = consensus_of(report);
  for (const Consensus& view : views) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(advised, view.models.size()); ++i) {
      names.push_back(view.models[i].model);
    }
    verdict(view.dataset, fmt::format("fine-tune {} first: the consensus of {}", paint.good(list_of(names)),
                                      plural(view.methods.size(), "method")));
  }
  if (views.empty() && report.results.size() > 1) {
    for (const RankedDataset& result : report.results) {
      const std::vector<std::string> best = best_group(result);
      if (best.size() == 1) {
        verdict(result.dataset, "fine-tune " + paint.good(printable(best.front(), 200)));
      } else if (!best.empty()) {
        verdict(result.dataset, fmt::format("fine-tune these {}, which cannot be told apart: {}", best.size(),
                                            paint.good(list_of(best))));
      }
    }
  }
  return text;
}

std::string summary_line(const RankReport& report, Paint paint) {
  std::set<std::string> models;
  std::set<std::string> datasets;
  for (const RankedDataset& result : report.results) {
    datasets.insert(result.dataset);
    for (const ScoredModel& model : result.models) {
      models.insert(model.model);
    }
  }
  std::string line =
      fmt::format("{}, {}, {:.1f} s on {}", plural(models.size(), "model"), plural(datasets.size(), "data set"),
                  report.seconds, plural(static_cast<std::size_t>(std::max(report.threads, 1)), "thread"));
  if (!report.failures.empty()) {
    line += "; " + paint.bad(fmt::format("{} not ranked", report.failures.size()));
  }
  if (report.results.size() == 1 && !models.empty()) {
    const std::vector<std::string> best = best_group(report.results.front());
    line += best.size() == 1 ? "; best: " + paint.good(printable(best.front(), 200))
                             : fmt::format("; best: {} (cannot be told apart)", paint.good(list_of(best)));
  }
  return line;
}

namespace {

/// One table per (data set, method), the agreement under it.
std::string rankings(const RankReport& report, Paint paint) {
  std::string text;
  for (const RankedDataset& result : report.results) {
    text += title_of(result, paint) + table_of(result, paint);
    if (result.agreement) {
      text += "  " + agreement_line(*result.agreement, paint) + "\n";
    }
    if (!result.truth_missing.empty()) {
      std::string names;
      for (const std::string& model : result.truth_missing) {
        names += (names.empty() ? "" : ", ") + printable(model, 200);
      }
      text += paint.dim("  no truth for " + names) + "\n";
    }
    text += "\n";
  }
  return text;
}

/// "leep: 6 models without source logits ..." and what else the reader should know of a method; one line each.
std::string remarks(const RankReport& report, Paint paint) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> without;  // (method, what) -> models
  for (const Failure& skipped : report.skipped) {
    without[{skipped.method, skipped.message}].insert(skipped.model);
  }
  std::string text;
  for (const auto& [key, models] : without) {
    const bool all = models.count("") > 0;
    text += paint.dim(
        fmt::format("{}: {}left out, {}\n", key.first, all ? "" : plural(models.size(), "model") + " ", key.second));
  }
  std::map<std::string, std::set<std::string>> remarks;  // what -> data sets
  std::set<std::string> notes;
  for (const RankedDataset& result : report.results) {
    for (const std::string& remark : result.remarks) {
      remarks[remark].insert(result.dataset);
    }
    for (const ScoredModel& model : result.models) {
      if (!model.note.empty()) {
        notes.insert(result.method + ": " + model.note);
      }
    }
  }
  for (const auto& [remark, datasets] : remarks) {
    text += paint.dim(list_of({datasets.begin(), datasets.end()}) + ": " + remark) + "\n";
  }
  for (const std::string& note : notes) {
    text += paint.dim(printable(note, 1000)) + "\n";
  }
  return text.empty() ? text : text + "\n";
}

}  // namespace

std::string to_table(const RankReport& report, bool colour) {
  const Paint paint{colour};
  const ResultGrid grid(report);
  const bool one_method = grid.methods.size() < 2;
  std::string text =
      one_method ? rankings(report, paint) : rank_tables(report, paint) + comparison_table(report, paint) + "\n";
  text += remarks(report, paint);
  for (const Failure& failure : report.failures) {
    text += paint.bad("not ranked: ") + fmt::format("{} on {}: {}\n", printable(failure.model, 200),
                                                    printable(failure.dataset, 200), printable(failure.message, 1000));
  }
  text += report.failures.empty() ? "" : "\n";
  text += one_method ? overview(report, paint) : std::string();
  text += verdicts(report, paint);
  return text + summary_line(report, paint) + "\n";
}

}  // namespace itm
