// Ranks, and the two machine-readable forms of a report: JSON (schema itm.rank/1) and CSV.

#include "itm/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/statistics.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/details_json.hpp"
#include "report/place_text.hpp"
#include "report/sortable.hpp"

namespace itm {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const ScoredModel& model) {
  Json json{{"model", model.model}, {"score", model.score}, {"rank", model.rank}, {"seconds", model.seconds}};
  if (model.error) {
    json["error"] = *model.error;
    json["error_from"] = model.error_from;
  }
  json["group"] = model.group;
  if (model.truth) {
    json["truth"] = *model.truth;
  }
  if (!model.note.empty()) {
    json["note"] = model.note;
  }
  json["details"] = to_json(model.details);
  return json;
}

Json to_json(const RankedDataset& result) {
  Json json{{"dataset", result.dataset}, {"method", result.method}, {"seconds", result.seconds}};
  add_place(json, result.place);
  json["models"] = Json::array();
  for (const ScoredModel& model : result.models) {
    json["models"].push_back(to_json(model));
  }
  if (result.agreement) {
    json["agreement"] = agreement_json(*result.agreement);
    json["truth_missing"] = result.truth_missing;
  }
  if (!result.remarks.empty()) {
    json["remarks"] = result.remarks;
  }
  return json;
}

Json to_json(const Consensus& consensus) {
  Json json{{"dataset", consensus.dataset}, {"methods", consensus.methods}, {"models", Json::array()}};
  for (const Consensus::Model& model : consensus.models) {
    json["models"].push_back(
        {{"model", model.model}, {"score", model.score}, {"rank", model.rank}, {"methods", model.methods}});
    if (model.truth) {
      json["models"].back()["truth"] = *model.truth;
    }
  }
  if (consensus.agreement) {
    json["agreement"] = agreement_json(*consensus.agreement);
  }
  return json;
}

Json to_json(const Failure& failure) {
  return {
      {"dataset", failure.dataset}, {"model", failure.model}, {"method", failure.method}, {"message", failure.message}};
}

}  // namespace

void assign_ranks(RankedDataset& result) {
  std::sort(result.models.begin(), result.models.end(), [&](const ScoredModel& a, const ScoredModel& b) {
    if (sortable(a.score) != sortable(b.score)) {
      return sortable(a.score) > sortable(b.score);
    }
    if (sortable(a.tie_break) != sortable(b.tie_break)) {
      return sortable(a.tie_break) > sortable(b.tie_break);
    }
    return a.model < b.model;
  });
  for (std::size_t i = 0; i < result.models.size(); ++i) {
    ScoredModel& model = result.models[i];
    const bool tied = i > 0 && sortable(model.score) == sortable(result.models[i - 1].score) &&
                      sortable(model.tie_break) == sortable(result.models[i - 1].tie_break);
    model.rank = tied ? result.models[i - 1].rank : static_cast<int>(i) + 1;
  }
  const ScoredModel* first = nullptr;  // of the group
  for (ScoredModel& model : result.models) {
    const bool opens = first == nullptr || can_tell_apart(*first, model);
    model.group = first == nullptr ? 1 : first->group + (opens ? 1 : 0);
    first = opens ? &model : first;
  }
}

bool can_tell_apart(const ScoredModel& a, const ScoredModel& b) {
  constexpr double sure = 1.96;
  const double gap = std::abs(a.score - b.score);
  if (gap == 0) {
    return a.tie_break != b.tie_break && !a.error && !b.error;
  }
  if (!a.replicates.empty() && a.replicates.size() == b.replicates.size()) {
    std::vector<double> gaps(a.replicates.size());
    std::transform(a.replicates.begin(), a.replicates.end(), b.replicates.begin(), gaps.begin(), std::minus<>());
    return gap > sure * jackknife_error(gaps);
  }
  return !a.error || !b.error || gap > sure * std::hypot(*a.error, *b.error);
}

std::string to_json(const RankReport& report) {
  Json json{{"schema", "itm.rank/1"},    {"version", ITM_VERSION},    {"backend", report.backend},
            {"threads", report.threads}, {"seconds", report.seconds}, {"results", Json::array()},
            {"failures", Json::array()}, {"skipped", Json::array()}};
  for (const RankedDataset& result : report.results) {
    json["results"].push_back(to_json(result));
  }
  const std::vector<Consensus> views = consensus_of(report);
  for (const Consensus& view : views) {
    json["consensus"].push_back(to_json(view));
  }
  for (const Failure& failure : report.failures) {
    json["failures"].push_back(to_json(failure));
  }
  for (const Failure& skipped : report.skipped) {
    json["skipped"].push_back(to_json(skipped));
  }
  return dump(json);
}

std::string to_csv(const RankReport& report, CsvText text) {
  std::string csv = "dataset,method,rank,model,score,truth,seconds,error,group,backend,device,precision\n";
  for (const RankedDataset& result : report.results) {
    for (const ScoredModel& model : result.models) {
      csv += fmt::format("{},{},{},{},{},{},{:.6f},{},{},{}\n", csv_field(result.dataset, text),
                         csv_field(result.method, text), model.rank, csv_field(model.model, text),
                         csv_number(model.score), model.truth ? csv_number(*model.truth) : std::string(), model.seconds,
                         model.error ? csv_number(*model.error) : std::string(), model.group,
                         place_csv(result.place, text));
    }
  }
  return csv;
}

}  // namespace itm
