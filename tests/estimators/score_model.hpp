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

#include "device_under_test.hpp"
#include "itm/estimator.hpp"
#include "report/details_json.hpp"

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

/// One thread, which stops at the first failure.
class PlainExecutor final : public Executor {
 public:
  explicit PlainExecutor(std::size_t models) : models_(models) {}
  void for_each_model(std::size_t repeats, const std::function<void(std::size_t, std::size_t)>& work) override {
    for (std::size_t m = 0; m < models_; ++m) {
      for (std::size_t r = 0; r < repeats; ++r) {
        work(m, r);
      }
    }
  }
  [[nodiscard]] bool keeps_going() const override { return false; }
  void advance(std::size_t, double) override {}
  /// ITM has tests of its own on a GPU.
  [[nodiscard]] ItmEngine* engine() const override { return engine_under_test().get(); }

 private:
  std::size_t models_;
};

inline std::vector<ScoredModel> score_all(const std::string& method, DatasetTask task, const RankOptions& options) {
  PlainExecutor executor(task.entries.size());
  std::vector<ScoredModel> scored;
  for (Outcome& outcome : find_estimator(method).open(std::move(task), options)->score(executor)) {
    scored.push_back(std::move(outcome.scored));
  }
  return scored;
}

inline ScoredModel score_one(const std::string& method, const ZooEntry& entry, const Labels& labels,
                             const RankOptions& options = {}) {
  DatasetTask task{entry.dataset, {entry}, labels};
  if (entry.target) {
    task.targets = read_entry_targets(entry);
  }
  return score_all(method, std::move(task), options).at(0);
}

}  // namespace itm::testing
