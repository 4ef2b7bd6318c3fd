// How many rows a ranking may have for the time that there is.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "ranking/chosen_methods.hpp"

namespace itm {
namespace {

/// The entries that a method scores, each with the shape of all its rows.
struct Share {
  const Estimator* method = nullptr;
  std::vector<Workload> work;
};

std::vector<Share> shares_of(const Zoo& zoo, const RankOptions& options) {
  std::vector<Share> shares;
  const std::vector<std::string> names = options.datasets.empty() ? zoo.dataset_names() : options.datasets;
  for (const std::string& name : names) {
    const std::vector<ZooEntry>& entries = zoo.entries(name);
    const Labels labels = entries.front().target ? Labels{} : read_entry_labels(entries.front());
    std::vector<Workload> work;
    std::transform(entries.begin(), entries.end(), std::back_inserter(work),
                   [&](const ZooEntry& entry) { return workload_of(entry, labels); });
    for (const Estimator* method : chosen_methods(options.method)) {
      Share share{method, {}};
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (method->missing_input(entries[i]).empty()) {
          share.work.push_back(work[i]);
        }
      }
      shares.push_back(std::move(share));
    }
  }
  return shares;
}

double seconds_of(const std::vector<Share>& shares, RankOptions options, std::size_t rows) {
  options.rows = rows;
  double seconds = 0;
  for (const Share& share : shares) {
    seconds += share.method->cost_of(share.work, options).seconds;
  }
  return seconds / std::max(options.threads, 1);
}

}  // namespace

std::size_t rows_within(const Zoo& zoo, const RankOptions& options, double seconds) {
  const std::vector<Share> shares = shares_of(zoo, options);
  double most = 0;
  double classes = 0;
  for (const Share& share : shares) {
    for (const Workload& work : share.work) {
      most = std::max(most, work.rows);
      classes = std::max(classes, work.classes);
    }
  }
  if (seconds_of(shares, options, 0) <= seconds) {
    return 0;
  }
  constexpr double of_a_class = 10;  // fewer say nothing
  auto low = static_cast<std::size_t>(std::min(most, std::max(100.0, of_a_class * classes)));
  if (const double least = seconds_of(shares, options, low); least > seconds) {
    const auto text = [](double of) { return of < 10 ? fmt::format("{:.1g} s", of) : duration(of); };
    throw InputError(
        fmt::format("--time-budget {}: {} rows, the least that says something, take about {}; choose "
                    "cheaper methods or fewer models, or give more time",
                    text(seconds), with_commas(low), text(least)));
  }
  auto high = static_cast<std::size_t>(most);
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (seconds_of(shares, options, middle) <= seconds ? low : high) = middle;
  }
  return low;
}

}  // namespace itm
