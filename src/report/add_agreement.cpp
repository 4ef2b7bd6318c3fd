#include "itm/estimator.hpp"
#include "report/truth_match.hpp"

namespace itm {

void add_agreement(RankReport& report, const GroundTruth& truth, const BootstrapOptions& bootstrap) {
  for (RankedDataset& result : report.results) {
    const auto column = truth.accuracy.find(result.dataset);
    if (column == truth.accuracy.end()) {
      continue;
    }
    TruthMatch match(column->second);
    for (ScoredModel& model : result.models) {
      // The rank holds the method's tie break, the score alone does not.
      model.truth = match.add(model.model, model.score, -model.rank);
    }
    result.truth_missing = match.missing();
    result.agreement = match.measure(bootstrap);
  }
}

}  // namespace itm
