#include "sweep/features_hash.hpp"

#include <set>
#include <vector>

#include "core/work_pool.hpp"
#include "sweep/hash.hpp"

namespace itm::sweep {

std::string features_hash(const SweepPlan& plan, int threads) {
  std::set<std::string> datasets;
  for (const SweepUnit& unit : plan.units) {
    datasets.insert(unit.dataset);
  }
  std::set<std::filesystem::path> unique;
  for (const std::string& dataset : datasets) {
    for (const ZooEntry& entry : plan.zoo.entries(dataset)) {
      unique.insert({entry.feature.file, entry.label.file});
      for (const auto& other : {entry.output, entry.source, entry.target}) {
        if (other) {
          unique.insert(other->file);
        }
      }
    }
  }
  const std::vector<std::filesystem::path> files(unique.begin(), unique.end());
  std::vector<std::string> hashes(files.size());
  for_each_unit(files.size(), threads, [&](std::size_t i) { hashes[i] = hash_of_file(files[i]); });
  std::string all;
  for (std::size_t i = 0; i < files.size(); ++i) {
    all += files[i].filename().native() + '\0' + hashes[i] + '\n';
  }
  return hash_of(all);
}

}  // namespace itm::sweep
