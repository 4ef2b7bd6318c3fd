#pragma once
// An evaluation as its tables and its page lay it out.

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/choose.hpp"

namespace itm::choose {

/// The three orders of a row and what they go by.
[[nodiscard]] inline std::array<std::pair<const char*, const EvaluatedOrder*>, 3> orders_of(const EvaluatedKnown& row) {
  return {{{"both", &row.choose}, {"score alone", &row.score}, {"fixed order", &row.order}}};
}

/// Rank errors as a grid, methods and kinds in the order in which they first appear.
struct KindGrid {
  explicit KindGrid(const Evaluation& evaluation) {
    const auto once = [](std::vector<std::string>& list, const std::string& name) {
      if (std::find(list.begin(), list.end(), name) == list.end()) {
        list.push_back(name);
      }
    };
    for (const KindError& error : evaluation.kinds) {
      once(methods, error.method);
      once(kinds, error.kind);
      cells_[{error.method, error.kind}] = error.rank_error;
    }
  }
  [[nodiscard]] std::optional<double> at(const std::string& method, const std::string& kind) const {
    const auto found = cells_.find({method, kind});
    return found == cells_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::string> methods;
  std::vector<std::string> kinds;

 private:
  std::map<std::pair<std::string, std::string>, double> cells_;
};

}  // namespace itm::choose
