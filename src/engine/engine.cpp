#include "itm/engine.hpp"

#include <exception>
#include <utility>

namespace itm {

std::vector<ItmResult> results_of(std::vector<ItmOutcome> outcomes) {
  std::vector<ItmResult> results;
  for (ItmOutcome& outcome : outcomes) {
    if (outcome.failure) {
      std::rethrow_exception(outcome.failure);
    }
    results.push_back(std::move(outcome.result));
  }
  return results;
}

FeatureStatistics ItmEngine::measure(const ItmFeatures& features, const Labels& labels, Standardise standardise) {
  const ItmSurvey wanted{features, &labels};
  SurveyOutcome outcome = std::move(survey({&wanted, 1}, standardise).front());
  if (outcome.failure) {
    std::rethrow_exception(outcome.failure);
  }
  return std::move(outcome.statistics);
}

}  // namespace itm
