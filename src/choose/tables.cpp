#include "choose/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>

#include "core/statistics.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm::choose {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

using Truths = std::map<std::string, std::map<std::string, double>>;  // data set, model

Truths merge(const std::vector<GroundTruth>& tables) {
  Truths all;
  for (const GroundTruth& table : tables) {
    for (const auto& [dataset, column] : table.accuracy) {
      for (const auto& [model, value] : column) {
        const auto [at, is_new] = all[dataset].emplace(model, value);
        if (!is_new && at->second != value) {
          throw InputError(fmt::format("{}: gives {} on {} as {}, another truth file as {}; keep one of them",
                                       path_text(table.file), in_quotes(model), in_quotes(dataset), value, at->second));
        }
      }
    }
  }
  return all;
}

std::size_t index_of(const std::vector<std::string>& sorted, const std::string& name) {
  return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), name) - sorted.begin());
}

void standardise(Dataset& dataset) {
  std::vector<double> truths;
  std::copy_if(dataset.truth.begin(), dataset.truth.end(), std::back_inserter(truths),
               [](double truth) { return !std::isnan(truth); });
  dataset.known = truths.size();
  dataset.scale = scale_of(truths);
  for (std::size_t m = 0; m < dataset.truth.size(); ++m) {
    if (dataset.knows(m)) {
      dataset.linked[m] = dataset.scale.link.forward(dataset.truth[m]);
      dataset.y[m] = dataset.scale.standardised(dataset.truth[m]);
    }
  }
}

/// Normal scores of the ranks among the models that the method scored.
void add_scores(const std::vector<std::string>& models, const MethodScores& scores, std::vector<double>& row) {
  std::vector<double> order;
  std::vector<std::size_t> who;
  for (const auto& [model, value] : scores.order) {
    order.push_back(value);
    who.push_back(index_of(models, model));
  }
  const std::vector<double> ranks = average_ranks_descending(order);
  for (std::size_t i = 0; i < who.size(); ++i) {
    row[who[i]] = normal_score(ranks[i], static_cast<double>(who.size()));
  }
}

void take_vote(Dataset& dataset) {
  for (std::size_t m = 0; m < dataset.vote.size(); ++m) {
    double sum = 0;
    double methods = 0;
    for (const std::vector<double>& row : dataset.scores) {
      if (!std::isnan(row[m])) {
        sum += row[m];
        methods += 1;
      }
    }
    dataset.vote[m] = methods > 0 ? sum / methods : nothing;
  }
}

/// In the order asked for, else of appearance.
std::vector<std::string> methods_of(const std::vector<MethodScores>& scores, const std::vector<std::string>& asked) {
  std::vector<std::string> all;
  for (const MethodScores& one : scores) {
    if (std::find(all.begin(), all.end(), one.method) == all.end()) {
      all.push_back(one.method);
    }
  }
  for (const std::string& method : asked) {
    if (std::find(all.begin(), all.end(), method) == all.end()) {
      throw InputError(fmt::format("there are no scores of the method {}; there are scores of {}", in_quotes(method),
                                   printable(fmt::format("{}", fmt::join(all, ", ")), 400)));
    }
  }
  return asked.empty() ? all : asked;
}

}  // namespace

bool Dataset::knows(std::size_t model) const { return !std::isnan(truth[model]); }
bool Dataset::scored(std::size_t model) const { return !std::isnan(vote[model]); }

const Dataset* Tables::find(const std::string& name) const {
  const auto at = std::find_if(datasets.begin(), datasets.end(), [&](const Dataset& d) { return d.name == name; });
  return at == datasets.end() ? nullptr : &*at;
}

Tables index_tables(const ChoiceTables& tables, const std::vector<std::string>& methods) {
  const Truths truths = merge(tables.truth);
  Tables out;
  out.methods = methods_of(tables.scores, methods);
  std::set<std::string> models;
  std::set<std::string> datasets;
  for (const auto& [dataset, column] : truths) {
    datasets.insert(dataset);
    for (const auto& [model, value] : column) {
      models.insert(model);
    }
  }
  for (const MethodScores& scores : tables.scores) {
    datasets.insert(scores.dataset);
    for (const auto& [model, value] : scores.order) {
      models.insert(model);
    }
  }
  out.models.assign(models.begin(), models.end());
  for (const std::string& model : out.models) {
    const auto kind = tables.kind.find(model);
    out.kinds.push_back(kind == tables.kind.end() ? std::string() : kind->second);
  }
  const std::vector<double> unknown(out.models.size(), nothing);
  for (const std::string& name : datasets) {
    Dataset dataset;
    dataset.name = name;
    dataset.truth = dataset.linked = dataset.y = dataset.vote = unknown;
    dataset.scores.assign(out.methods.size(), unknown);
    if (const auto column = truths.find(name); column != truths.end()) {
      for (const auto& [model, value] : column->second) {
        dataset.truth[index_of(out.models, model)] = value;
      }
    }
    standardise(dataset);
    out.datasets.push_back(std::move(dataset));
  }
  for (const MethodScores& scores : tables.scores) {
    const auto method = std::find(out.methods.begin(), out.methods.end(), scores.method);
    if (method != out.methods.end()) {
      auto dataset = std::find_if(out.datasets.begin(), out.datasets.end(),
                                  [&](const Dataset& d) { return d.name == scores.dataset; });
      add_scores(out.models, scores, dataset->scores[static_cast<std::size_t>(method - out.methods.begin())]);
    }
  }
  std::for_each(out.datasets.begin(), out.datasets.end(), take_vote);
  return out;
}

Problem make_problem(const Tables& tables, std::vector<const Dataset*> past, const Dataset& target,
                     std::vector<std::size_t> candidates, std::vector<bool> known) {
  Problem problem;
  problem.tables = &tables;
  problem.past = std::move(past);
  problem.target = &target;
  problem.candidates = std::move(candidates);
  problem.known = std::move(known);
  const std::size_t methods = tables.methods.size();
  problem.features = methods == 0 ? 0 : methods == 1 ? 2 : methods + 2;
  problem.mean_vote.assign(tables.models.size(), 0);
  for (std::size_t m = 0; m < tables.models.size(); ++m) {
    double count = 0;
    const auto add = [&](const Dataset& dataset) {
      if (dataset.scored(m)) {
        problem.mean_vote[m] += dataset.vote[m];
        count += 1;
      }
    };
    std::for_each(problem.past.begin(), problem.past.end(), [&](const Dataset* dataset) { add(*dataset); });
    add(target);
    problem.mean_vote[m] /= count > 0 ? count : 1;
  }
  return problem;
}

void Problem::write_features(const Dataset& dataset, std::size_t model, double* x) const {
  if (features == 0) {
    return;
  }
  const auto or_middle = [](double score) { return std::isnan(score) ? 0.0 : score; };
  x[0] = mean_vote[model];
  x[1] = dataset.scored(model) ? dataset.vote[model] - mean_vote[model] : 0;
  for (std::size_t f = 2; f < features; ++f) {
    x[f] = or_middle(dataset.scores[f - 2][model]);
  }
}

}  // namespace itm::choose
