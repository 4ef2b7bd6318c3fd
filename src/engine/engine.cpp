#include "itm/engine.hpp"

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

}  // namespace itm
