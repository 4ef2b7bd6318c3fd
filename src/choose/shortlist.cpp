#include "choose/shortlist.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace itm::choose {

Shortlist shortlist(const Outcomes& outcomes, const std::vector<bool>& tried, double sure,
                    std::optional<std::size_t> budget) {
  const std::size_t candidates = outcomes.mean.size();
  Shortlist list;
  list.p_best = outcomes.p_best;
  for (std::size_t i = 0; i < candidates; ++i) {
    list.p_found_before += tried[i] ? list.p_best[i] : 0;
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < candidates; ++i) {
    if (!tried[i]) {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return list.p_best[a] != list.p_best[b] ? list.p_best[a] > list.p_best[b] : outcomes.mean[a] > outcomes.mean[b];
  });
  double found = list.p_found_before;
  for (const std::size_t i : order) {
    if (budget ? list.models.size() >= *budget : found >= sure - 1e-12) {
      break;
    }
    found += list.p_best[i];
    list.models.push_back(i);
    list.p_found.push_back(found);
  }
  return list;
}

Interval interval_of(const Outcomes& outcomes, std::size_t candidate, double sure) {
  const std::size_t candidates = outcomes.mean.size();
  const std::size_t draws = outcomes.value.size() / candidates;
  std::vector<float> values(draws);
  for (std::size_t s = 0; s < draws; ++s) {
    values[s] = outcomes.value[s * candidates + candidate];
  }
  const auto place_of = [&](double share) {
    return values.begin() + std::lround(share * static_cast<double>(draws - 1));
  };
  const auto low = place_of((1 - sure) / 2);
  const auto high = place_of((1 + sure) / 2);
  std::nth_element(values.begin(), low, values.end());
  if (high > low) std::nth_element(low + 1, high, values.end());  // what is left of `low` is smaller
  const auto truth = [&](float value) { return outcomes.scaled ? outcomes.link.back(value) : value; };
  return {truth(*low), truth(*high)};
}

}  // namespace itm::choose
