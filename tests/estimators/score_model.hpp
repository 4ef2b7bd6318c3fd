#pragma once
// Scores models straight through a method's session, without the checks that files go through: labels with gaps and
// classes of one row reach the method.

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "itm/estimator.hpp"

namespace itm::testing {

/// The entry of a folder with feature.npy, label.npy and what else a published case has.
inline ZooEntry case_entry(const std::filesystem::path& folder) {
  ZooEntry entry;
  entry.model = "model";
  entry.dataset = "case";
  entry.feature = {folder / "feature.npy", ""};
  entry.label = {folder / "label.npy", ""};
  entry.output = ArrayRef{folder / "output.npy", ""};
  entry.source = ArrayRef{folder / "general.npy", ""};
  return entry;
}

inline Labels any_labels(const std::filesystem::path& file) {
  Labels labels;
  for (const std::int64_t value : read_array(file).to_integers()) {
    labels.values.push_back(static_cast<std::int32_t>(value));
    labels.classes = std::max(labels.classes, static_cast<std::size_t>(value) + 1);
  }
  return labels;
}

inline std::vector<ScoredModel> score_all(const std::string& method, DatasetTask task, const MethodOptions& options) {
  const std::size_t models = task.entries.size();
  const auto session = find_estimator(method).open(std::move(task), options);
  const std::vector<bool> alive(models, true);
  for (std::size_t m = 0; m < models; ++m) {
    session->survey(m);
  }
  session->settle(alive);
  for (std::size_t m = 0; m < models; ++m) {
    session->score(m, 0);
  }
  return session->finish(alive);
}

inline ScoredModel score_one(const std::string& method, const ZooEntry& entry, const Labels& labels,
                             const MethodOptions& options = {}) {
  return score_all(method, {entry.dataset, {entry}, labels}, options).at(0);
}

}  // namespace itm::testing
