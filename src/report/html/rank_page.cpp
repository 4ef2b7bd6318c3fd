// The page of a ranking: what was run, the methods compared, then for each data set and method the ranked table, its
// plots and whatever else the method said.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "core/text.hpp"
#include "itm/estimator.hpp"
#include "report/agreement_line.hpp"
#include "report/html/comparison.hpp"
#include "report/html/details.hpp"
#include "report/html/html_text.hpp"
#include "report/html/page.hpp"
#include "report/html/rank_plots.hpp"
#include "report/place_text.hpp"
#include "report/result_grid.hpp"
#include "report/summary_line.hpp"

namespace itm {
namespace html {
namespace {

constexpr std::size_t most_names = 20;  ///< in a sentence; the table shows the others too

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Column column(std::string key, std::string hint, bool ascending) {
  Column c;
  c.label = key;
  c.key = std::move(key);
  c.hint = std::move(hint);
  c.ascending = ascending;
  return c;
}

/// A number that every model may add to its details.
Column number_column(const ModelDetails& details, const std::string& key, std::string label, std::string hint,
                     int digits) {
  Column c = column(key, std::move(hint), false);
  c.label = std::move(label);
  for (std::size_t m = 0; m < details.size(); ++m) {
    const std::optional<double> value = details.number(m, key);
    c.values.push_back(value ? Json(*value) : Json(nullptr));
    c.cells.push_back(value ? fmt::format("{:.{}f}", *value, digits) : "-");
  }
  return c;
}

Column model_column(const RankedDataset& result) {
  Column c = column("model", "", true);
  c.kind = Column::Kind::heading;
  for (const ScoredModel& model : result.models) {
    c.values.push_back(model.model);
    c.cells.push_back(html_text(model.model));
  }
  return c;
}

Table ranked_table(const RankedDataset& result, const ModelDetails& details, const std::string& id) {
  Column rank = column("rank", "1 is the best; equal scores share a rank", true);
  Column score =
      column("score", is_accuracy(result.method) ? "accuracy on the validation rows" : "larger is better", false);
  Column error = column("error", "standard error of the score", true);
  Column same = column("same", "models that share a letter cannot be told apart", true);
  same.kind = Column::Kind::text;
  Column truth = column("truth", "accuracy after fine-tuning, %", false);
  Column seconds = column("seconds", "time spent on the model, repeats included", true);
  for (const ScoredModel& model : result.models) {
    rank.values.push_back(model.rank);
    rank.cells.push_back(std::to_string(model.rank));
    score.values.push_back(finite(model.score));
    score.cells.push_back(score_text(result.method, model.score));
    error.values.push_back(model.error ? finite(*model.error) : Json(nullptr));
    error.cells.push_back(model.error ? fmt::format("± {}", error_text(result.method, *model.error)) : "-");
    same.values.push_back(model.group);
    same.cells.push_back(group_letter(model.group));
    truth.values.push_back(model.truth ? finite(*model.truth) : Json(nullptr));
    truth.cells.push_back(model.truth ? fmt::format("{:.2f}", *model.truth) : "-");
    seconds.values.push_back(finite(model.seconds));
    seconds.cells.push_back(fmt::format("{:.2f}", model.seconds));
  }
  Table table;
  table.id = id;
  table.label = fmt::format("{}, {}: models by score", result.dataset, result.method);
  table.first_is_best = true;
  table.sorted_by = rank.key;
  table.columns = {rank, model_column(result), score};
  if (std::any_of(result.models.begin(), result.models.end(), [](const auto& model) { return model.error; })) {
    table.columns.push_back(error);
  }
  if (!result.models.empty() && result.models.back().group < static_cast<int>(result.models.size())) {
    table.columns.push_back(same);
  }
  if (has_truth(result)) {
    table.columns.push_back(truth);
  }
  if (const Estimator* known = known_estimator(result.method)) {
    for (const DetailColumn& c : known->columns) {
      if (details.has_number(c.detail)) {
        table.columns.push_back(number_column(details, c.detail, c.title, c.meaning, c.decimals));
      }
    }
  }
  table.columns.push_back(seconds);
  return table;
}

std::string scalar_text(const Json& value) {
  if (value.is_string()) return html_text(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_unsigned()) return with_commas(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return value.is_number() ? fmt::format("{:.6g}", value.get<double>()) : "-";
}

/// Every scalar that the method gave, folded away: few readers need it, and those need all of it.
void add_details(Page& page, const RankedDataset& result, const ModelDetails& details, const std::string& id) {
  const std::vector<std::string> keys = details.scalar_keys();
  if (keys.empty()) {
    return;
  }
  Table table;
  table.id = id + "-details";
  table.label = fmt::format("{}, {}: details", result.dataset, result.method);
  table.columns.push_back(model_column(result));
  for (const std::string& key : keys) {
    Column c = column(key, "", true);
    bool all_text = true;
    for (std::size_t m = 0; m < details.size(); ++m) {
      const Json value = details.scalar(m, key);
      all_text = all_text && !value.is_number();
      c.values.push_back(value);
      c.cells.push_back(scalar_text(value));
    }
    c.kind = all_text ? Column::Kind::text : Column::Kind::number;
    table.columns.push_back(std::move(c));
  }
  page.add("<details><summary>All details</summary>\n");
  page.add(table);
  page.add("</details>\n");
}

void add_agreement(Page& page, const RankedDataset& result) {
  if (!result.agreement) {
    return;
  }
  const Agreement& a = *result.agreement;
  std::string tau = figure(a.tau_w);
  if (a.tau_w_interval) {
    tau += fmt::format(" [{:.2f}, {:.2f}]", a.tau_w_interval->low, a.tau_w_interval->high);
  }
  std::vector<std::pair<const char*, std::string>> figures{{"tau_w", tau},
                                                           {"scipy", figure(a.tau_w_scipy)},
                                                           {"Kendall", figure(a.kendall)},
                                                           {"Spearman", figure(a.spearman)},
                                                           {"Pearson", figure(a.pearson)},
                                                           {"Rel@1", figure(a.rel_at_1)},
                                                           {"Rel@3", figure(a.rel_at_3)}};
  if (a.fixed_order) {
    figures.emplace_back("fixed order", figure(a.fixed_order));
  }
  page.add("<dl class=\"facts\">");
  for (const auto& [name, text] : figures) {
    page.add(fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, text));
  }
  page.add("</dl>\n");
}

/// What the reader of the scores should know, each sentence once.
void add_notes(Page& page, const RankedDataset& result) {
  std::set<std::string> notes;
  for (const std::string& remark : result.remarks) {
    page.add(fmt::format("<p class=\"note\">{}</p>\n", html_text(remark)));
  }
  for (const ScoredModel& model : result.models) {
    if (!model.note.empty() && notes.insert(model.note).second) {
      page.add(fmt::format("<p class=\"note\">{}</p>\n", html_text(model.note)));
    }
  }
}

void add_truth_missing(Page& page, const RankedDataset& result) {
  if (result.truth_missing.empty()) {
    return;
  }
  const std::size_t named = std::min(result.truth_missing.size(), most_names);
  std::string names;
  for (std::size_t i = 0; i < named; ++i) {
    names += (i == 0 ? "" : ", ") + html_text(result.truth_missing[i]);
  }
  if (named < result.truth_missing.size()) {
    names += fmt::format(" and {} others", with_commas(result.truth_missing.size() - named));
  }
  page.add("<p class=\"note\">No truth for " + names + ".</p>\n");
}

std::string heading_of(const RankedDataset& result, const ModelDetails& details) {
  std::string facts = html_text(result.method);
  const double rows = details.size() > 0 ? details.number(0, "rows").value_or(-1) : -1;
  const double classes = details.size() > 0 ? details.number(0, "classes").value_or(-1) : -1;
  if (rows >= 0 && classes >= 0) {
    facts += fmt::format(", {} rows, {} classes", with_commas(static_cast<std::uint64_t>(rows)),
                         with_commas(static_cast<std::uint64_t>(classes)));
  }
  if (const std::string place = place_text(result.place); !place.empty()) {
    facts += ", " + html_text(place);
  }
  return fmt::format("<h2>{} <small>{}</small></h2>\n", html_text(result.dataset), facts);
}

/// Every method's ranks and their consensus, a table a data set.
void add_consensus(Page& page, const RankReport& report) {
  const std::vector<Consensus> views = consensus_of(report);
  if (views.empty()) {
    return;
  }
  page.add("<section id=\"consensus-section\">\n<h2>Consensus</h2>\n");
  const ResultGrid grid(report);
  for (std::size_t v = 0; v < views.size(); ++v) {
    const Consensus& view = views[v];
    Table table;
    table.id = fmt::format("consensus{}", v + 1);
    if (views.size() > 1) {
      page.add(fmt::format("<h3>{}</h3>\n", html_text(view.dataset)));
    }
    table.label = view.dataset + ": ranks by every method, and the mean of their normal scores";
    table.first_is_best = true;
    table.sorted_by = "rank";
    Column rank = column("rank", "1 is the best", true);
    Column model = column("model", "", true);
    model.kind = Column::Kind::heading;
    Column score = column("consensus", "mean of the normal scores of the methods' ranks; larger is better", false);
    Column truth = column("truth", "accuracy after fine-tuning, %", false);
    for (const Consensus::Model& one : view.models) {
      rank.values.push_back(one.rank);
      rank.cells.push_back(std::to_string(one.rank));
      model.values.push_back(one.model);
      model.cells.push_back(html_text(one.model));
      score.values.push_back(finite(one.score));
      score.cells.push_back(fmt::format("{:.2f}", one.score));
      truth.values.push_back(one.truth ? finite(*one.truth) : Json(nullptr));
      truth.cells.push_back(one.truth ? fmt::format("{:.2f}", *one.truth) : "-");
    }
    table.columns = {rank, model, score};
    if (view.agreement) {
      table.columns.push_back(truth);
    }
    for (const std::string& method : view.methods) {
      std::map<std::string, int> ranks;
      for (const ScoredModel& scored : grid.at(method, view.dataset)->models) {
        ranks[scored.model] = scored.rank;
      }
      Column c = column(method, "", true);
      for (const Consensus::Model& one : view.models) {
        const auto found = ranks.find(one.model);
        c.values.push_back(found == ranks.end() ? Json(nullptr) : Json(found->second));
        c.cells.push_back(found == ranks.end() ? "-" : std::to_string(found->second));
      }
      table.columns.push_back(std::move(c));
    }
    page.add(table);
  }
  page.add("</section>\n");
}

void add_result(Page& page, const RankedDataset& result, std::size_t number) {
  const std::string id = fmt::format("r{}", number);
  const ModelDetails details(result);
  page.add(fmt::format("<section id=\"{}-section\">\n{}", id, heading_of(result, details)));
  add_agreement(page, result);
  const Table table = ranked_table(result, details, id);
  page.add(table);
  add_truth_missing(page, result);
  add_notes(page, result);
  add_plots(page, result, details, table);
  add_details(page, result, details, id);
  page.add("</section>\n");
}

/// What failed, and what was left out for want of inputs.
std::vector<Failure> not_ranked(const RankReport& report) {
  std::vector<Failure> all = report.failures;
  for (Failure skipped : report.skipped) {
    skipped.model = skipped.model.empty() ? "(all)" : skipped.model;
    all.push_back(std::move(skipped));
  }
  return all;
}

void add_failures(Page& page, const RankReport& report) {
  const std::vector<Failure> failures = not_ranked(report);
  if (failures.empty()) {
    return;
  }
  Table table;
  table.id = "failed";
  table.label = "Models that are in no ranking, and why";
  const auto add = [&](const char* key, Column::Kind kind, std::string Failure::*field) {
    Column c = column(key, "", true);
    c.kind = kind;
    for (const Failure& failure : failures) {
      c.values.push_back(failure.*field);
      c.cells.push_back(html_text(failure.*field));
    }
    table.columns.push_back(std::move(c));
  };
  add("model", Column::Kind::heading, &Failure::model);
  add("data set", Column::Kind::text, &Failure::dataset);
  add("method", Column::Kind::text, &Failure::method);
  add("message", Column::Kind::text, &Failure::message);
  page.add("<section id=\"failures\">\n<h2>Not ranked</h2>\n");
  page.add(table);
  page.add("</section>\n");
}

void add_header(Page& page, const RankReport& report, const HtmlOptions& options) {
  std::vector<std::pair<std::string, std::string>> facts = options.facts;
  facts.insert(facts.end(), {{"itm", ITM_VERSION},
                             {"backend", report.backend},
                             {"threads", std::to_string(report.threads)},
                             {"seconds", fmt::format("{:.1f}", report.seconds)}});
  std::string summary;
  std::istringstream lines(verdicts(report, Paint{false}) + summary_line(report, Paint{false}));
  for (std::string line; std::getline(lines, line);) {
    summary += (summary.empty() ? "" : "<br>\n") + html_text(line);
  }
  page.add_header(options.title, summary, facts);
}

/// Links to every section, by data set.
void add_contents(Page& page, const RankReport& report) {
  if (report.results.size() < 2) {
    return;
  }
  std::vector<std::string> order;
  std::map<std::string, std::string> links;
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    const RankedDataset& result = report.results[i];
    std::string& line = links[result.dataset];
    if (line.empty()) {
      order.push_back(result.dataset);
    }
    line += fmt::format(" <a href=\"#r{}-section\">{}</a>", i + 1, html_text(result.method));
  }
  // A line a data set, unless all of them have a single link.
  page.add(fmt::format("<nav aria-label=\"Contents\"><ul{}>\n",
                       order.size() < report.results.size() ? " class=\"rows\"" : ""));
  page.add("<li><a href=\"#methods\">Methods compared</a></li>\n");
  for (const std::string& dataset : order) {
    page.add(fmt::format("<li>{}:{}</li>\n", html_text(dataset), links[dataset]));
  }
  page.add(not_ranked(report).empty() ? "</ul></nav>\n"
                                      : "<li><a href=\"#failures\">Not ranked</a></li>\n</ul></nav>\n");
}

}  // namespace
}  // namespace html

std::string to_html(const RankReport& report, const HtmlOptions& options) {
  html::Page page;
  html::add_header(page, report, options);
  html::add_contents(page, report);
  page.add("<main>\n");
  html::add_consensus(page, report);
  html::add_comparison(page, report);
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    html::add_result(page, report.results[i], i + 1);
  }
  html::add_failures(page, report);
  page.add("</main>\n");
  return page.document(options.title, {{"schema", "itm.page/1"},
                                       {"version", ITM_VERSION},
                                       {"backend", report.backend},
                                       {"threads", report.threads},
                                       {"seconds", report.seconds}});
}

}  // namespace itm
