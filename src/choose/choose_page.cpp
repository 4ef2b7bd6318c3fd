// The page of a choice: for every data set the shortlist step by step, the models with their probabilities, intervals
// and reasons, and what they cost.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "choose/choice_text.hpp"
#include "itm/choose.hpp"
#include "report/html/columns.hpp"
#include "report/html/html_text.hpp"
#include "report/html/page.hpp"

namespace itm {
namespace html {
namespace {

using Numbers = std::vector<std::optional<double>>;

template <typename Field>
Numbers numbers_of(const Choice& choice, const Field& field) {
  Numbers numbers;
  for (const ChoiceModel& model : choice.models) {
    numbers.push_back(field(model));
  }
  return numbers;
}

std::vector<std::string> names_of(const Choice& choice) {
  std::vector<std::string> names;
  std::transform(choice.models.begin(), choice.models.end(), std::back_inserter(names),
                 [](const ChoiceModel& model) { return model.model; });
  return names;
}

bool any_number(const Numbers& numbers) {
  return std::any_of(numbers.begin(), numbers.end(), [](const auto& number) { return number.has_value(); });
}

Table model_table(const Choice& choice, const std::string& id) {
  Table table;
  table.id = id;
  table.label = choice.dataset + ": models by expected quality";
  table.note =
      "score, history and spread are in standard deviations of the models' quality on the data set; under each method "
      "stands the normal score of the rank that it gives.";
  table.first_is_best = true;
  table.sorted_by = "rank";
  const auto add = [&](const std::string& key, const std::string& hint, bool ascending, const Numbers& numbers,
                       const auto& show) {
    table.columns.push_back(number_column(key, hint, ascending, numbers, show));
  };
  add("rank", "1 has the highest expected quality", true,
      numbers_of(choice, [](const auto& m) { return std::optional<double>(m.rank); }),
      [](double rank) { return fmt::format("{:.0f}", rank); });
  table.columns.push_back(text_column("model", Column::Kind::heading, names_of(choice)));
  add("P(best)", "probability to be the best of all", false,
      numbers_of(choice, [](const auto& m) { return std::optional(m.p_best); }), choose::percent);
  const Numbers expected = numbers_of(choice, [](const auto& m) { return m.expected; });
  if (any_number(expected)) {
    add("expected", "expected truth", false, expected, choose::hundredths);
    add("low", choose::interval_title(choice) + ", lower end", false,
        numbers_of(choice, [](const auto& m) { return m.low; }), choose::hundredths);
    add("high", choose::interval_title(choice) + ", upper end", false,
        numbers_of(choice, [](const auto& m) { return m.high; }), choose::hundredths);
  } else {
    add("expected rank", "mean over what may come", true,
        numbers_of(choice, [](const auto& m) { return std::optional(m.expected_rank); }),
        [](double rank) { return fmt::format("{:.1f}", rank); });
  }
  const Numbers known = numbers_of(choice, [](const auto& m) { return m.known; });
  if (any_number(known)) {
    add("known", "truth on this data set", false, known, choose::hundredths);
  }
  add("score", "what the methods add to the expected quality", false,
      numbers_of(choice, [](const auto& m) { return std::optional(m.reasons.score); }), choose::hundredths);
  add("history", "what past data sets add to it", false,
      numbers_of(choice, [](const auto& m) { return std::optional(m.reasons.history); }), choose::hundredths);
  add("spread", "standard deviation of what remains unknown", true,
      numbers_of(choice, [](const auto& m) { return std::optional(m.reasons.spread); }), choose::hundredths);
  for (const std::string& method : choice.methods) {
    add(method, "normal score of its rank", false,
        numbers_of(choice, [&](const auto& m) { return m.reasons.votes.at(method); }), choose::hundredths);
  }
  const Numbers cost = numbers_of(choice, [](const auto& m) { return m.cost; });
  if (any_number(cost)) {
    add("cost", "smaller is better", true, cost, [](double value) { return fmt::format("{:.6g}", value); });
    std::vector<std::string> front;
    std::transform(choice.models.begin(), choice.models.end(), std::back_inserter(front),
                   [](const ChoiceModel& model) { return model.on_front ? "yes" : ""; });
    table.columns.push_back(text_column("front", Column::Kind::text, front));
    table.columns.back().hint = "no model that costs no more is expected to be as good";
  }
  return table;
}

void add_steps(Page& page, const Choice& choice, const std::string& id) {
  if (choice.shortlist.empty()) {
    page.add(fmt::format("<p>Nothing more to fine-tune: the best is known already with probability {}.</p>\n",
                         choose::percent(choice.p_best_in_shortlist)));
    return;
  }
  Table table;
  table.id = id;
  table.label = choice.dataset + ": the shortlist";
  std::vector<std::string> names;
  Numbers place;
  Numbers found;
  Numbers gain;
  Numbers loss;
  for (const ChoiceStep& step : choice.shortlist) {
    names.push_back(step.model);
    place.emplace_back(static_cast<double>(place.size() + 1));
    found.emplace_back(step.p_best_found);
    gain.push_back(step.gain);
    loss.emplace_back(step.expected_loss);
  }
  table.columns = {
      number_column("step", "in this order", true, place, [](double value) { return fmt::format("{:.0f}", value); }),
      text_column("fine-tune", Column::Kind::heading, names),
      number_column("best found", "probability that the best is among it, those before and those known", false, found,
                    choose::percent),
      number_column("gain", "expected over the best of those before and known, " + choice.unit, false, gain,
                    choose::hundredths),
      number_column("loss", "expected when stopping here, " + choice.unit, true, loss, choose::hundredths)};
  page.add(table);
}

void add_choice(Page& page, const Choice& choice, std::size_t number) {
  const std::string id = fmt::format("c{}", number);
  page.add(fmt::format("<section id=\"{}-section\">\n<h2>{} <small>{}</small></h2>\n", id, html_text(choice.dataset),
                       html_text(choose::facts_of(choice))));
  page.add(
      fmt::format("<dl class=\"facts\"><div><dt>P(best in the list)</dt><dd>{}</dd></div><div><dt>expected "
                  "loss</dt><dd>{}</dd></div>"
                  "<div><dt>general order counts</dt><dd>{:.2f}</dd></div></dl>\n",
                  choose::percent(choice.p_best_in_shortlist), html_text(choose::amount(choice, choice.expected_loss)),
                  choice.order_share));
  add_steps(page, choice, id + "-steps");
  if (choice.next) {
    page.add(fmt::format("<p>Next to try: <strong>{}</strong>, expected to gain {} over the best one known.</p>\n",
                         html_text(choice.next->model), html_text(choose::amount(choice, *choice.next->gain))));
  }
  for (const std::string& remark : choice.remarks) {
    page.add(fmt::format("<p class=\"note\">{}</p>\n", html_text(remark)));
  }
  const Table table = model_table(choice, id);
  page.add(table);
  page.add("<div class=\"plots\">\n");
  const Json names = values_of(table, "model");
  page.add_plot("dots", id + "-best", choice.dataset + ": probability to be the best",
                {{"names", names}, {"x", axis("P(best)", values_of(table, "P(best)"), true)}});
  if (any_number(numbers_of(choice, [](const auto& m) { return m.expected; }))) {
    Json x = axis("expected", values_of(table, "expected"));
    x["low"] = Json::array();
    x["high"] = Json::array();
    for (const ChoiceModel& model : choice.models) {
      x["low"].push_back(model.low ? Json(*model.low) : Json(nullptr));
      x["high"].push_back(model.high ? Json(*model.high) : Json(nullptr));
    }
    page.add_plot("dots", id + "-intervals", choice.dataset + ": expected truth, " + choose::interval_title(choice),
                  {{"names", names}, {"x", x}});
  }
  const Numbers cost = numbers_of(choice, [](const auto& m) { return m.cost; });
  if (any_number(cost)) {
    Json mean = Json::array();
    Json groups = Json::array();
    for (const ChoiceModel& model : choice.models) {
      mean.push_back(model.mean);
      groups.push_back(model.on_front ? 0 : 1);
    }
    page.add_plot("scatter", id + "-front", choice.dataset + ": expected quality over cost",
                  {{"names", names},
                   {"x", axis("cost", values_of(table, "cost"))},
                   {"y", axis("expected quality", mean)},
                   {"groups", groups},
                   {"groupNames", {"on the front", "dearer for its quality"}}});
  }
  page.add("</div>\n</section>\n");
}

}  // namespace
}  // namespace html

std::string to_html(const std::vector<Choice>& choices, const HtmlOptions& options) {
  html::Page page;
  std::vector<std::string> firsts;
  for (const Choice& choice : choices) {
    if (!choice.shortlist.empty()) {
      firsts.push_back(fmt::format("{}: {} first", choice.dataset, choice.shortlist.front().model));
    }
  }
  auto facts = options.facts;
  facts.emplace_back("itm", ITM_VERSION);
  page.add_header(options.title, html::html_text(fmt::format("{}", fmt::join(firsts, "; "))), facts);
  page.add("<main>\n");
  for (std::size_t i = 0; i < choices.size(); ++i) {
    html::add_choice(page, choices[i], i + 1);
  }
  page.add("</main>\n");
  return page.document(options.title, {{"schema", "itm.page/1"}, {"version", ITM_VERSION}});
}

}  // namespace itm
