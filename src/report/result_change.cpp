#include "report/result_change.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "io/where.hpp"
#include "itm/agreement.hpp"
#include "report/agreement_json.hpp"
#include "report/agreement_line.hpp"
#include "report/csv_field.hpp"
#include "report/json_number.hpp"
#include "report/text_table.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

std::string name_of(const ScoreTable& table) {
  const std::string dataset = table.dataset.empty() ? "(no data set)" : table.dataset;
  return table.method.empty() ? dataset : dataset + " by " + table.method;
}

const ScoreTable* find(const ScoresFile& file, const ScoreTable& wanted) {
  const auto found = std::find_if(file.tables.begin(), file.tables.end(), [&](const ScoreTable& table) {
    return table.dataset == wanted.dataset && table.method == wanted.method;
  });
  return found == file.tables.end() ? nullptr : &*found;
}

const ModelScore* find(const ScoreTable& table, const std::string& model) {
  const auto found = std::find_if(table.models.begin(), table.models.end(),
                                  [&](const ModelScore& score) { return score.model == model; });
  return found == table.models.end() ? nullptr : &*found;
}

/// Ranks among the models that both files have: a model that is gone moves nobody.
std::vector<int> ranks_of(const std::vector<double>& order) {
  std::vector<int> ranks;
  ranks.reserve(order.size());
  for (const double value : order) {
    ranks.push_back(1 +
                    static_cast<int>(std::count_if(order.begin(), order.end(), [&](double o) { return o > value; })));
  }
  return ranks;
}

std::optional<double> noise_of(const ModelScore& a, const ModelScore& b) {
  if (!a.error && !b.error) {
    return std::nullopt;
  }
  return 1.96 * std::hypot(a.error.value_or(0), b.error.value_or(0));
}

ResultChange change_of(const ScoreTable& a, const ScoreTable& b) {
  ResultChange change;
  change.dataset = a.dataset;
  change.method = a.method;
  std::vector<double> order_a;
  std::vector<double> order_b;
  for (const ModelScore& score : a.models) {
    const ModelScore* other = find(b, score.model);
    if (other == nullptr) {
      change.only_a.push_back(score.model);
      continue;
    }
    change.models.push_back({score.model, 0, 0, score.score, other->score, noise_of(score, *other)});
    order_a.push_back(score.order);
    order_b.push_back(other->order);
  }
  for (const ModelScore& score : b.models) {
    if (find(a, score.model) == nullptr) {
      change.only_b.push_back(score.model);
    }
  }
  const std::vector<int> ranks_a = ranks_of(order_a);
  const std::vector<int> ranks_b = ranks_of(order_b);
  for (std::size_t i = 0; i < change.models.size(); ++i) {
    change.models[i].rank_a = ranks_a[i];
    change.models[i].rank_b = ranks_b[i];
  }
  change.kendall = kendall_tau_b(order_a, order_b);
  return change;
}

std::string verdict_of(const ResultChange& change) {
  const std::size_t beyond = change.beyond_noise();
  const std::string scores =
      beyond == 0 ? "no score changed by more than noise"
                  : fmt::format("{} of {} scores changed by more than noise", beyond, change.models.size());
  const std::string order = change.same_order() ? "same order" : "another order, Kendall " + figure(change.kendall);
  return order + "; " + scores;
}

}  // namespace

bool ModelChange::is_beyond_noise() const { return std::abs(change()) > noise.value_or(0); }

bool ResultChange::same_order() const {
  return std::all_of(models.begin(), models.end(),
                     [](const ModelChange& model) { return model.rank_a == model.rank_b; });
}

std::size_t ResultChange::beyond_noise() const {
  return static_cast<std::size_t>(
      std::count_if(models.begin(), models.end(), [](const ModelChange& model) { return model.is_beyond_noise(); }));
}

ScoresChange compare_scores(const ScoresFile& a, const ScoresFile& b) {
  ScoresChange change;
  for (const ScoreTable& table : a.tables) {
    if (const ScoreTable* other = find(b, table)) {
      change.results.push_back(change_of(table, *other));
    } else {
      change.only_a.push_back(name_of(table));
    }
  }
  for (const ScoreTable& table : b.tables) {
    if (find(a, table) == nullptr) {
      change.only_b.push_back(name_of(table));
    }
  }
  if (change.results.empty()) {
    io::refuse({b.file, {}}, "has no data set and method in common with {}: that one has {}, this one {}",
               path_text(a.file), printable(fmt::format("{}", fmt::join(change.only_a, ", ")), 200),
               printable(fmt::format("{}", fmt::join(change.only_b, ", ")), 200));
  }
  return change;
}

std::string to_json(const ScoresChange& change) {
  Json json{{"schema", "itm.compare/1"}, {"results", Json::array()}};
  for (const ResultChange& result : change.results) {
    Json models = Json::array();
    for (const ModelChange& model : result.models) {
      models.push_back({{"model", model.model},
                        {"rank_a", model.rank_a},
                        {"rank_b", model.rank_b},
                        {"score_a", model.score_a},
                        {"score_b", model.score_b},
                        {"change", model.change()},
                        {"noise", json_number(model.noise)},
                        {"beyond_noise", model.is_beyond_noise()}});
    }
    json["results"].push_back({{"dataset", result.dataset},
                               {"method", result.method},
                               {"same_order", result.same_order()},
                               {"kendall", json_number(result.kendall)},
                               {"beyond_noise", result.beyond_noise()},
                               {"models", std::move(models)},
                               {"only_a", result.only_a},
                               {"only_b", result.only_b}});
  }
  json["only_a"] = change.only_a;
  json["only_b"] = change.only_b;
  return dump(json);
}

std::string to_csv(const ScoresChange& change, CsvText text) {
  std::string csv = "dataset,method,model,rank_a,rank_b,score_a,score_b,change,noise,beyond_noise\n";
  for (const ResultChange& result : change.results) {
    for (const ModelChange& model : result.models) {
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", csv_field(result.dataset, text),
                         csv_field(result.method, text), csv_field(model.model, text), model.rank_a, model.rank_b,
                         csv_number(model.score_a), csv_number(model.score_b), csv_number(model.change()),
                         model.noise ? csv_number(*model.noise) : std::string(), model.is_beyond_noise());
    }
  }
  return csv;
}

std::string to_table(const ScoresChange& change, Paint paint) {
  using Align = TextTable::Align;
  std::string text;
  std::size_t moved = 0;
  for (const ResultChange& result : change.results) {
    TextTable table({{"rank"}, {"was"}, {"model", Align::left}, {"was"}, {"score"}, {"change"}, {"noise"}});
    std::vector<const ModelChange*> order;
    for (const ModelChange& model : result.models) {
      order.push_back(&model);
    }
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->rank_b < b->rank_b; });
    for (const ModelChange* model : order) {
      table.add({std::to_string(model->rank_b), std::to_string(model->rank_a), model->model,
                 score_text(result.method, model->score_a), score_text(result.method, model->score_b),
                 fmt::format("{}{}", model->change() < 0 ? "" : "+", score_text(result.method, model->change())),
                 model->noise ? fmt::format("± {}", error_text(result.method, *model->noise)) : "-"},
                model->is_beyond_noise() ? TextTable::Style::bold : TextTable::Style::plain);
    }
    moved += result.same_order() ? 0 : 1;
    text += fmt::format("{}  {}\n{}  {}\n", paint.bold(printable(result.dataset, 200)),
                        paint.dim(printable(result.method, 200)), table.text(paint), verdict_of(result));
    for (const auto& [names, where] : {std::pair(result.only_a, "first"), std::pair(result.only_b, "second")}) {
      if (!names.empty()) {
        text += paint.dim(fmt::format("  only in the {} file: {}\n", where,
                                      printable(fmt::format("{}", fmt::join(names, ", ")), 400)));
      }
    }
    text += "\n";
  }
  for (const auto& [names, where] : {std::pair(change.only_a, "first"), std::pair(change.only_b, "second")}) {
    if (!names.empty()) {
      text += paint.dim(
          fmt::format("only in the {} file: {}\n", where, printable(fmt::format("{}", fmt::join(names, ", ")), 400)));
    }
  }
  return text + fmt::format("{} compared; {} in another order\n", plural(change.results.size(), "ranking"), moved);
}

}  // namespace itm
