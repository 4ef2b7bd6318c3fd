#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "itm/estimator.hpp"
#include "report/fixed_order.hpp"
#include "report/truth_match.hpp"

namespace itm {
namespace {

/// Ranked, failed or left out by any method.
std::set<std::string> models_of(const RankReport& report, const std::string& dataset) {
  std::set<std::string> names;
  for (const RankedDataset& result : report.results) {
    for (const ScoredModel& model : result.models) {
      if (result.dataset == dataset) {
        names.insert(model.model);
      }
    }
  }
  for (const auto* failures : {&report.failures, &report.skipped}) {
    for (const Failure& failure : *failures) {
      if (failure.dataset == dataset) {
        names.insert(failure.model);
      }
    }
  }
  return names;
}

/// tau_w of the fixed order over the models that have a score and a truth; one that is known nowhere else is average.
std::optional<double> tau_of_fixed_order(const RankedDataset& result, const GroundTruth& truth) {
  const std::map<std::string, double> fixed = fixed_order(truth, result.dataset);
  std::vector<double> order;
  std::vector<double> truths;
  for (const ScoredModel& model : result.models) {
    if (model.truth) {
      const auto place = fixed.find(model.model);
      order.push_back(place == fixed.end() ? 0 : place->second);
      truths.push_back(*model.truth);
    }
  }
  return fixed.empty() ? std::nullopt : weighted_tau(order, truths);
}

}  // namespace

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
    const auto unused = std::count_if(
        column->second.begin(), column->second.end(),
        [&, known = models_of(report, result.dataset)](const auto& cell) { return !known.contains(cell.first); });
    if (unused > 0) {
      result.remarks.push_back(fmt::format("the truth has {} that {} not in the zoo",
                                           plural(static_cast<std::uint64_t>(unused), "model"),
                                           unused == 1 ? "is" : "are"));
    }
    result.agreement = match.measure(bootstrap);
    result.agreement->fixed_order = tau_of_fixed_order(result, truth);
  }
}

}  // namespace itm
