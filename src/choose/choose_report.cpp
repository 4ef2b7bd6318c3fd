// A choice as JSON (schema itm.choose/1), CSV and a table.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "choose/choice_text.hpp"
#include "core/text.hpp"
#include "itm/choose.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/json_number.hpp"
#include "report/paint.hpp"
#include "report/text_table.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const ChoiceReasons& reasons) {
  Json json{{"score", reasons.score},
            {"history", reasons.history},
            {"spread", reasons.spread},
            {"known_on", reasons.known_on},
            {"votes", Json::object()}};
  for (const auto& [method, vote] : reasons.votes) {
    json["votes"][method] = json_number(vote);
  }
  return json;
}

Json to_json(const ChoiceModel& model) {
  Json json{{"model", model.model},
            {"rank", model.rank},
            {"mean", model.mean},
            {"sd", model.sd},
            {"p_best", model.p_best},
            {"expected_rank", model.expected_rank},
            {"expected", json_number(model.expected)},
            {"low", json_number(model.low)},
            {"high", json_number(model.high)}};
  if (model.known) {
    json["known"] = *model.known;
  }
  if (model.cost) {
    json["cost"] = *model.cost;
    json["on_front"] = model.on_front;
  }
  json["reasons"] = to_json(model.reasons);
  return json;
}

Json to_json(const ChoiceStep& step) {
  return {{"model", step.model},
          {"p_best_found", step.p_best_found},
          {"gain", json_number(step.gain)},
          {"expected_loss", step.expected_loss}};
}

Json to_json(const Choice& choice) {
  Json json{{"dataset", choice.dataset},
            {"methods", choice.methods},
            {"past", choice.past},
            {"unit", choice.unit},
            {"order_share", choice.order_share},
            {"models", Json::array()},
            {"shortlist", Json::array()},
            {"p_best_in_shortlist", choice.p_best_in_shortlist},
            {"expected_loss", choice.expected_loss},
            {"steps", Json::array()}};
  for (const ChoiceModel& model : choice.models) {
    json["models"].push_back(to_json(model));
  }
  for (const ChoiceStep& step : choice.shortlist) {
    json["shortlist"].push_back(step.model);
    json["steps"].push_back(to_json(step));
  }
  json["next"] = choice.next ? to_json(*choice.next) : Json(nullptr);
  if (std::any_of(choice.models.begin(), choice.models.end(), [](const auto& model) { return model.cost; })) {
    json["front"] = choose::front_of(choice);
  }
  json["remarks"] = choice.remarks;
  return json;
}

std::string summary(const Choice& choice, Paint paint) {
  std::string text;
  std::vector<std::string> names;
  std::transform(choice.shortlist.begin(), choice.shortlist.end(), std::back_inserter(names),
                 [](const ChoiceStep& step) { return printable(step.model, 200); });
  if (names.empty()) {
    text += fmt::format("  nothing more to fine-tune: the best is known already with probability {}\n",
                        choose::percent(choice.p_best_in_shortlist));
  } else {
    text += fmt::format("  fine-tune {}: the best is found with probability {}, {} are lost on average\n",
                        paint.good(fmt::format("{}", fmt::join(names, ", "))),
                        choose::percent(choice.p_best_in_shortlist), choose::amount(choice, choice.expected_loss));
  }
  if (choice.next) {
    text += fmt::format("  next to try: {}, which is expected to gain {} over the best one known\n",
                        paint.good(printable(choice.next->model, 200)), choose::amount(choice, *choice.next->gain));
  }
  const std::vector<std::string> front = choose::front_of(choice);
  if (!front.empty()) {
    text += printable(fmt::format("  no dearer for its quality: {}", fmt::join(front, ", ")), 1000) + "\n";
  }
  for (const std::string& remark : choice.remarks) {
    text += paint.dim("  " + printable(remark, 1000)) + "\n";
  }
  return text;
}

std::string table_of(const Choice& choice, Paint paint) {
  using Align = TextTable::Align;
  const auto any = [&](auto has) { return std::any_of(choice.models.begin(), choice.models.end(), has); };
  const bool scaled = any([](const ChoiceModel& m) { return m.expected.has_value(); });
  const bool known = any([](const ChoiceModel& m) { return m.known.has_value(); });
  const bool cost = any([](const ChoiceModel& m) { return m.cost.has_value(); });
  std::vector<TextTable::Column> columns{{"rank"}, {"model", Align::left}, {"P(best)"}};
  if (scaled) {
    columns.insert(columns.end(), {{"expected"}, {"80 % interval"}});
    columns.back().title = choose::interval_title(choice);
  } else {
    columns.push_back({"expected rank"});
  }
  if (known) {
    columns.push_back({"known"});
  }
  columns.insert(columns.end(), {{"score"}, {"history"}, {"spread"}});
  for (const std::string& method : choice.methods) {
    columns.push_back({method});
  }
  if (cost) {
    columns.insert(columns.end(), {{"cost"}, {"front", Align::left}});
  }
  TextTable table(columns);
  for (const ChoiceModel& m : choice.models) {
    std::vector<std::string> cells{std::to_string(m.rank), m.model, choose::percent(m.p_best)};
    if (scaled) {
      cells.push_back(m.expected ? fmt::format("{:.2f}", *m.expected) : "-");
      cells.push_back(m.low ? fmt::format("{:.2f} to {:.2f}", *m.low, *m.high) : "-");
    } else {
      cells.push_back(fmt::format("{:.1f}", m.expected_rank));
    }
    if (known) {
      cells.push_back(m.known ? fmt::format("{:.2f}", *m.known) : "-");
    }
    for (const double value : {m.reasons.score, m.reasons.history, m.reasons.spread}) {
      cells.push_back(fmt::format("{:.2f}", value));
    }
    for (const std::string& method : choice.methods) {
      const auto& vote = m.reasons.votes.at(method);
      cells.push_back(vote ? fmt::format("{:.2f}", *vote) : "-");
    }
    if (cost) {
      cells.push_back(m.cost ? fmt::format("{:.6g}", *m.cost) : "-");
      cells.emplace_back(m.on_front ? "yes" : "");
    }
    const bool listed = std::any_of(choice.shortlist.begin(), choice.shortlist.end(),
                                    [&](const ChoiceStep& step) { return step.model == m.model; });
    table.add(std::move(cells), listed ? TextTable::Style::good : TextTable::Style::plain);
  }
  return table.text(paint);
}

}  // namespace

std::string to_json(const std::vector<Choice>& choices) {
  Json json{{"schema", "itm.choose/1"}, {"version", ITM_VERSION}, {"results", Json::array()}};
  for (const Choice& choice : choices) {
    json["results"].push_back(to_json(choice));
  }
  return dump(json);
}

std::string to_csv(const std::vector<Choice>& choices, CsvText text) {
  std::string csv =
      "dataset,rank,model,mean,sd,p_best,expected_rank,expected,low,high,known,shortlist,score,history,spread,cost,"
      "on_front\n";
  for (const Choice& choice : choices) {
    for (const ChoiceModel& m : choice.models) {
      const auto step = std::find_if(choice.shortlist.begin(), choice.shortlist.end(),
                                     [&](const ChoiceStep& one) { return one.model == m.model; });
      const std::string place =
          step == choice.shortlist.end() ? "" : std::to_string(step - choice.shortlist.begin() + 1);
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(choice.dataset, text),
                         m.rank, csv_field(m.model, text), csv_number(m.mean), csv_number(m.sd), csv_number(m.p_best),
                         csv_number(m.expected_rank), csv_number(m.expected), csv_number(m.low), csv_number(m.high),
                         csv_number(m.known), place, csv_number(m.reasons.score), csv_number(m.reasons.history),
                         csv_number(m.reasons.spread), csv_number(m.cost), m.cost ? (m.on_front ? "1" : "0") : "");
    }
  }
  return csv;
}

std::string to_table(const std::vector<Choice>& choices, bool colour) {
  const Paint paint{colour};
  std::string text;
  for (const Choice& choice : choices) {
    text += (text.empty() ? "" : "\n") + choose::title_line(choice, paint) + table_of(choice, paint) +
            summary(choice, paint);
  }
  return text;
}

}  // namespace itm
