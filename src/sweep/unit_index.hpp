#pragma once
// Units of a plan by their key, for a journal whose numbers are those of a smaller plan.

#include <string>
#include <string_view>
#include <unordered_map>

#include "itm/error.hpp"
#include "itm/sweep.hpp"

namespace itm::sweep {

/// A journal's line that is whole, of a unit that the plan does not have.
class UnknownUnit : public InputError {
 public:
  using InputError::InputError;
};

class UnitIndex {
 public:
  /// `plan` must outlive the object.
  explicit UnitIndex(const SweepPlan& plan) {
    for (const SweepUnit& unit : plan.units) {
      units_.emplace(unit.key, &unit);
    }
  }
  /// Null where there is none.
  [[nodiscard]] const SweepUnit* find(const std::string& key) const {
    const auto found = units_.find(key);
    return found == units_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<std::string_view, const SweepUnit*> units_;
};

/// As read_journal_line(), but by the unit's key instead of its number. Throws UnknownUnit.
[[nodiscard]] SweepRow read_line_of_grown(const UnitIndex& units, const std::string& line);

}  // namespace itm::sweep
