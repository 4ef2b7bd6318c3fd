#include <fmt/format.h>

#include <vector>

#include "itm/estimator.hpp"

namespace itm {

void add_agreement(RankReport& report, const GroundTruth& truth, const BootstrapOptions& bootstrap) {
  for (RankedDataset& result : report.results) {
    const auto column = truth.accuracy.find(result.dataset);
    if (column == truth.accuracy.end()) {
      continue;
    }
    std::vector<double> score;
    std::vector<double> order;
    std::vector<double> accuracy;
    result.truth_missing.clear();
    for (ScoredModel& model : result.models) {
      const auto cell = column->second.find(model.model);
      if (cell == column->second.end()) {
        model.truth.reset();
        result.truth_missing.push_back(model.model);
        continue;
      }
      model.truth = cell->second;
      score.push_back(model.score);
      order.push_back(-model.rank);  // the rank holds the method's tie break, the score alone does not
      accuracy.push_back(cell->second);
    }
    result.agreement = measure_agreement(score, order, accuracy, bootstrap);
  }
}

}  // namespace itm
