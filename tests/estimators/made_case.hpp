#pragma once
// One made model on disk, to be scored by a method; and the reference numbers of tests/data/probes.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "estimators/score_model.hpp"
#include "json_file.hpp"
#include "made_zoo.hpp"
#include "paths.hpp"

namespace itm::testing {

class MadeCase {
 public:
  MadeCase(const std::vector<float>& values, std::size_t dims, Labels labels) : labels_(std::move(labels)) {
    const std::size_t shape[] = {labels_.values.size(), dims};
    write_npy<float>(folder_ / "feature.npy", values, shape);
  }
  explicit MadeCase(const MadeData& data) : MadeCase(data.values, data.dims, data.labels) {}

  [[nodiscard]] ZooEntry entry() const { return case_entry(folder_.path()); }
  [[nodiscard]] const Labels& labels() const { return labels_; }
  [[nodiscard]] ScoredModel score(const std::string& method, const RankOptions& options = {}) const {
    return score_one(method, entry(), labels_, options);
  }

 private:
  TemporaryFolder folder_;
  Labels labels_;
};

inline Labels labels_of(std::vector<std::int32_t> values) {
  const auto classes = static_cast<std::size_t>(*std::max_element(values.begin(), values.end())) + 1;
  return {std::move(values), classes};
}

inline nlohmann::json details_of(const ScoredModel& scored) { return to_json(scored.details); }

/// reference.json of tests/data/probes, made by make_reference.py there.
inline nlohmann::json probe_reference() { return testing::read_json(testing::test_data() + "/probes/reference.json"); }

/// Scores a data set that reference.json has numbers for.
inline ScoredModel score_reference_case(const std::string& name, const std::string& method,
                                        const RankOptions& options) {
  const std::filesystem::path data = testing::test_data();
  ZooEntry entry;
  entry.model = "model";
  entry.dataset = name;
  entry.feature.file = name == "wide" ? data / "probes/wide_feature.npy" : data / "published" / name / "feature.npy";
  const std::filesystem::path label =
      name == "wide" ? data / "probes/wide_label.npy" : data / "published" / name / "label.npy";
  return score_one(method, entry, any_labels(label), options);
}

inline const std::vector<std::string> reference_cases{"wide", "case_a", "case_e"};

}  // namespace itm::testing
