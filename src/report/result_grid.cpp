#include "report/result_grid.hpp"

#include <algorithm>

namespace itm {
namespace {

void add_once(std::vector<std::string>& list, const std::string& name) {
  if (std::find(list.begin(), list.end(), name) == list.end()) {
    list.push_back(name);
  }
}

}  // namespace

ResultGrid::ResultGrid(const RankReport& report) {
  for (const RankedDataset& result : report.results) {
    add_once(methods, result.method);
    add_once(datasets, result.dataset);
    cells_[{result.method, result.dataset}] = &result;
    has_truth = has_truth || result.agreement.has_value();
    has_intervals = has_intervals || (result.agreement && result.agreement->tau_w_interval);
  }
}

const RankedDataset* ResultGrid::at(const std::string& method, const std::string& dataset) const {
  const auto found = cells_.find({method, dataset});
  return found == cells_.end() ? nullptr : found->second;
}

std::size_t ResultGrid::models_of(const std::string& dataset) const {
  std::size_t most = 0;
  for (const auto& [key, result] : cells_) {
    most = key.second == dataset ? std::max(most, result->models.size()) : most;
  }
  return most;
}

FixedOrders ResultGrid::fixed_orders() const {
  FixedOrders orders;
  for (const std::string& dataset : datasets) {
    const RankedDataset* most = nullptr;
    for (const std::string& method : methods) {
      const RankedDataset* result = at(method, dataset);
      const bool has = result != nullptr && result->agreement && result->agreement->fixed_order;
      most = has && (most == nullptr || result->models.size() > most->models.size()) ? result : most;
    }
    if (most != nullptr) {
      orders.emplace_back(dataset, *most->agreement->fixed_order);
    }
  }
  return orders;
}

std::optional<double> mean_of(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  double count = 0;
  for (const auto& value : values) {
    sum += value.value_or(0);
    count += value ? 1 : 0;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

}  // namespace itm
