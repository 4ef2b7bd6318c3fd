#include "estimators/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "itm/error.hpp"

namespace itm {

const std::vector<Estimator>& estimators() {
  static const std::vector<Estimator> all{
      itm_estimator(),           //
      logme_estimator(),         //
      leep_estimator(),          //
      nce_estimator(),           //
      nleep_estimator(),         //
      parc_estimator(),          //
      sfda_estimator(),          //
      ped_estimator(),           //
      etran_estimator(),         //
      gbc_estimator(),           //
      lead_estimator(),          //
      hscore_estimator(),        //
      transrate_estimator(),     //
      knn_estimator(),           //
      linear_probe_estimator(),  //
  };
  return all;
}

std::string Estimator::missing_input(const ZooEntry& entry) const {
  if (entry.target && !inputs.regression) {
    return "class labels";
  }
  if (inputs.output && !entry.output) {
    return "source logits (..._output.npy, or --output)";
  }
  if (inputs.source && !entry.source) {
    return "features of source images ({model}_source_feature.npy, or --source)";
  }
  return {};
}

const Estimator& find_estimator(const std::string& name) {
  const auto& all = estimators();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Estimator& e) { return e.name == name; });
  if (found == all.end()) {
    std::vector<std::string> names;
    std::transform(all.begin(), all.end(), std::back_inserter(names), [](const Estimator& e) { return e.name; });
    throw InputError(fmt::format("there is no method '{}'; choose among: {}", name, fmt::join(names, ", ")));
  }
  return *found;
}

}  // namespace itm
