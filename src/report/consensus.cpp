// Several methods' view of one data set.

#include <algorithm>
#include <map>

#include "core/statistics.hpp"
#include "itm/report.hpp"
#include "report/result_grid.hpp"
#include "report/sortable.hpp"

namespace itm {
namespace {

Consensus consensus_on(const std::string& dataset, const std::vector<const RankedDataset*>& results) {
  Consensus view;
  view.dataset = dataset;
  std::map<std::string, Consensus::Model> models;
  for (const RankedDataset* result : results) {
    view.methods.push_back(result->method);
    // By the scores alone: which of two equal accuracies has the smaller loss says little of fine-tuning
    // (docs/choose.md).
    std::vector<double> ranks;
    for (const ScoredModel& model : result->models) {
      ranks.push_back(sortable(model.score));
    }
    ranks = average_ranks_descending(ranks);
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const ScoredModel& scored = result->models[i];
      Consensus::Model& model = models[scored.model];
      model.model = scored.model;
      model.score += normal_score(ranks[i], static_cast<double>(ranks.size()));
      model.methods += 1;
      model.truth = scored.truth;
    }
  }
  std::vector<double> scores;
  std::vector<double> order;
  std::vector<double> truth;
  for (auto& [name, model] : models) {
    model.score /= static_cast<double>(model.methods);
    view.models.push_back(model);
  }
  std::stable_sort(view.models.begin(), view.models.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  for (std::size_t i = 0; i < view.models.size(); ++i) {
    Consensus::Model& model = view.models[i];
    const bool tied = i > 0 && model.score == view.models[i - 1].score;
    model.rank = tied ? view.models[i - 1].rank : static_cast<int>(i) + 1;
    if (model.truth) {
      scores.push_back(model.score);
      order.push_back(-model.rank);
      truth.push_back(*model.truth);
    }
  }
  if (!truth.empty()) {
    view.agreement = measure_agreement(scores, order, truth);
  }
  return view;
}

}  // namespace

std::vector<Consensus> consensus_of(const RankReport& report) {
  const ResultGrid grid(report);
  std::vector<Consensus> all;
  for (const std::string& dataset : grid.datasets) {
    std::vector<const RankedDataset*> results;
    for (const std::string& method : grid.methods) {
      const RankedDataset* result = grid.at(method, dataset);
      if (result != nullptr && !result->models.empty()) {
        results.push_back(result);
      }
    }
    if (results.size() > 1) {
      all.push_back(consensus_on(dataset, results));
    }
  }
  return all;
}

}  // namespace itm
