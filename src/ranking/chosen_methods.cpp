#include "ranking/chosen_methods.hpp"

#include <algorithm>

namespace itm {

std::vector<const Estimator*> chosen_methods(const MethodList& names) {
  std::vector<const Estimator*> chosen;
  const auto add = [&](const Estimator& estimator) {
    if (std::find(chosen.begin(), chosen.end(), &estimator) == chosen.end()) {
      chosen.push_back(&estimator);
    }
  };
  for (const std::string& name : names) {
    if (name == "all") {
      std::for_each(estimators().begin(), estimators().end(), add);
    } else {
      add(find_estimator(name));
    }
  }
  return chosen;
}

}  // namespace itm
