#include "report/paper/beside.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "report/result_grid.hpp"

namespace itm::paper {
namespace {

using Values = std::vector<std::optional<double>>;

std::optional<double> figure_of(const ScoreTable& result, const std::string& measure) {
  if (measure == "seconds") {
    return result.seconds;
  }
  const auto found = result.agreement.find(measure);
  return found == result.agreement.end() ? std::nullopt : std::optional(found->second);
}

/// The results of one data set of the paper, by its name there, and method.
class OwnResults {
 public:
  explicit OwnResults(const ScoresFile& results) {
    for (const ScoreTable& result : results.tables) {
      const Dataset* dataset = find_dataset(result.dataset);
      if (dataset == nullptr) {
        note_once(unused, result.dataset);
        continue;
      }
      note_once(methods, result.method);
      const auto [at, is_new] = by_name_.try_emplace({dataset->name, result.method}, &result);
      if (!is_new) {
        throw InputError(fmt::format("{}: {} and {} are both the paper's {}; keep one", path_text(results.file),
                                     in_quotes(at->second->dataset), in_quotes(result.dataset), dataset->name));
      }
    }
  }

  [[nodiscard]] Values values(const Table& table, const std::string& measure, const std::string& method) const {
    Values all;
    for (const std::string& dataset : table.datasets) {
      const auto found = by_name_.find({dataset, method});
      all.push_back(found == by_name_.end() ? std::nullopt : figure_of(*found->second, measure));
    }
    return all;
  }

  std::vector<std::string> methods;
  std::vector<std::string> unused;

 private:
  static void note_once(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  std::map<std::pair<std::string, std::string>, const ScoreTable*> by_name_;
};

/// Those of `values` that `other` has as well.
Values shared(Values values, const Values& other) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!other[i]) {
      values[i].reset();
    }
  }
  return values;
}

bool is_complete(const Values& values) {
  return std::all_of(values.begin(), values.end(), [](const auto& value) { return value.has_value(); });
}
bool is_empty(const Values& values) {
  return std::none_of(values.begin(), values.end(), [](const auto& value) { return value.has_value(); });
}

}  // namespace

Beside set_beside(const Table& table, const ScoresFile& results) {
  const OwnResults own(results);
  Beside beside{{}, own.unused};
  bool any = false;
  const auto add_own = [&](const std::string& measure, const std::string& method, const Values& values) {
    if (!is_empty(values)) {
      const auto mean = mean_of(values);
      beside.rows.push_back({measure, method, true, values, is_complete(values) ? mean : std::nullopt, mean});
      any = true;
    }
  };
  for (const std::string& measure : table.measures()) {
    for (const Row& row : table.rows) {
      if (row.measure != measure) {
        continue;
      }
      const auto method = std::find_if(own.methods.begin(), own.methods.end(), [&](const std::string& name) {
        return simplified_method(name) == simplified_method(row.name);
      });
      const Values mine =
          method == own.methods.end() ? Values(table.datasets.size()) : own.values(table, measure, *method);
      const std::vector<double> printed = row.values();
      const Values theirs(printed.begin(), printed.end());
      beside.rows.push_back({measure, row.name, false, theirs, value_of(row.average), mean_of(shared(theirs, mine))});
      add_own(measure, row.name, mine);
    }
    for (const std::string& method : own.methods) {
      if (table.find(measure, method) == nullptr) {
        add_own(measure, method, own.values(table, measure, method));
      }
    }
  }
  if (!any) {
    std::vector<std::string> names;
    std::transform(datasets().begin(), datasets().end(), std::back_inserter(names),
                   [](const Dataset& d) { return d.name; });
    throw InputError(fmt::format(
        "{}: has no figure to set beside {}; give what `itm rank --format json` wrote, on data sets named {}",
        path_text(results.file), table.name, fmt::join(names, ", ")));
  }
  return beside;
}

}  // namespace itm::paper
