#include "sweep/features_hash.hpp"

#include <set>
#include <vector>

#include "io/fingerprint.hpp"

namespace itm::sweep {

std::string features_hash(const SweepPlan& plan, int threads) {
  std::set<std::string> datasets;
  for (const SweepUnit& unit : plan.units) {
    datasets.insert(unit.dataset);
  }
  std::vector<std::filesystem::path> files;
  for (const std::string& dataset : datasets) {
    for (const ZooEntry& entry : plan.zoo.entries(dataset)) {
      const std::vector<std::filesystem::path> more = io::files_of(entry);
      files.insert(files.end(), more.begin(), more.end());
    }
  }
  return io::fingerprint_of(std::move(files), io::Extent::whole, threads);
}

}  // namespace itm::sweep
