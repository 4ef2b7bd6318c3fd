#pragma once
// The results of a report as a grid of methods and data sets, for the comparison in a terminal and on a page.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "itm/report.hpp"
#include "report/fixed_order.hpp"

namespace itm {

struct ResultGrid {
  /// Methods and data sets in the order in which they first appear. The report must outlive the grid.
  explicit ResultGrid(const RankReport& report);

  /// Null where a method has no result for a data set.
  [[nodiscard]] const RankedDataset* at(const std::string& method, const std::string& dataset) const;

  /// The most models that any method ranked on the data set.
  [[nodiscard]] std::size_t models_of(const std::string& dataset) const;

  /// tau_w of the fixed order on the data sets where there is one, over the most models that any method ranked there.
  [[nodiscard]] FixedOrders fixed_orders() const;

  std::vector<std::string> methods;
  std::vector<std::string> datasets;
  bool has_truth = false;      ///< some result has an agreement
  bool has_intervals = false;  ///< some agreement has a bootstrap interval

 private:
  std::map<std::pair<std::string, std::string>, const RankedDataset*> cells_;
};

/// Mean of those that there are.
[[nodiscard]] std::optional<double> mean_of(const std::vector<std::optional<double>>& values);

}  // namespace itm
