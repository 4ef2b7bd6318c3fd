// The cross product of a spec, without the combinations that a method could not tell apart.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "core/text.hpp"
#include "io/hash.hpp"
#include "itm/error.hpp"
#include "itm/sweep.hpp"
#include "sweep/combinations.hpp"
#include "sweep/setting_json.hpp"

namespace itm {
namespace {

using sweep::Settings;

constexpr std::size_t most_units = 1'000'000;

const std::string* find_twice(const std::vector<std::string>& list) {
  std::unordered_set<std::string_view> seen;
  const auto twice =
      std::find_if(list.begin(), list.end(), [&](const auto& text) { return !seen.insert(text).second; });
  return twice == list.end() ? nullptr : &*twice;
}

/// Calls check(); what it refuses is said with the line of the first of `parts` that the spec's file has.
template <typename Check>
decltype(auto) in_place(const SweepSpec& spec, std::initializer_list<std::string> parts, Check check) {
  try {
    return check();
  } catch (const InputError& error) {
    for (const std::string& part : parts) {
      if (const auto place = spec.places.find(part); place != spec.places.end()) {
        throw InputError(place->second + error.what());
      }
    }
    throw;
  }
}

void refuse_twice(const std::string& what, const std::string* twice) {
  if (twice != nullptr) {
    throw InputError(fmt::format("{}: {} stands there twice; name it once", what, in_quotes(*twice)));
  }
}

std::vector<const Estimator*> methods_of(const SweepSpec& spec) {
  std::vector<const Estimator*> methods;
  if (spec.methods == std::vector<std::string>{"all"}) {
    for (const Estimator& estimator : estimators()) {
      methods.push_back(&estimator);
    }
    return methods;
  }
  in_place(spec, {"methods"}, [&] { refuse_twice("methods", find_twice(spec.methods)); });
  for (std::size_t i = 0; i < spec.methods.size(); ++i) {
    methods.push_back(in_place(spec, {fmt::format("methods/{}", i)}, [&] { return &find_estimator(spec.methods[i]); }));
  }
  return methods;
}

void check_settings(const SweepSpec& spec, const std::vector<const Estimator*>& methods) {
  std::vector<std::string> names;
  for (const auto& [name, values] : spec.settings) {
    names.push_back(name);
    RankOptions scratch;
    std::vector<std::string> texts;
    const std::string part = "settings/" + name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      in_place(spec, {fmt::format("{}/{}", part, i), part},
               [&, &n = name, &value = values[i]] { apply_setting(scratch, n, value); });
      texts.push_back(sweep::setting_json(values[i]).dump());
    }
    in_place(spec, {part}, [&, &n = name, &given = values] {
      if (given.empty()) {
        throw InputError(fmt::format("the setting {} has no value; give one or leave it out", in_quotes(n)));
      }
      refuse_twice("the setting " + n, find_twice(texts));
      if (std::none_of(methods.begin(), methods.end(),
                       [&](const Estimator* method) { return setting_applies(*method, n); })) {
        throw InputError(fmt::format("the setting {} changes nothing for {}; leave it out or add a method that has it",
                                     n, fmt::join(spec.methods, ", ")));
      }
    });
  }
  refuse_twice("settings", find_twice(names));
}

using Axes = std::vector<std::pair<std::string, std::vector<SettingValue>>>;

/// The settings that apply to a method.
Axes axes_for(const Estimator& method, const SweepSpec& spec) {
  Axes axes = spec.settings;
  std::erase_if(axes, [&](const auto& axis) { return !setting_applies(method, axis.first); });
  return axes;
}

/// Adds the units of one method on one data set, before any of them takes memory. A double, because the product of a
/// stranger's lists fits no integer.
void add_units(double& units, const Axes& axes) {
  units += std::accumulate(axes.begin(), axes.end(), 1.0, [](double product, const auto& axis) {
    return product * static_cast<double>(axis.second.size());
  });
  if (units > static_cast<double>(most_units)) {
    const std::string number =
        units < 1e15 ? with_commas(static_cast<std::uint64_t>(units)) : fmt::format("{:.0e}", units);
    throw InputError(fmt::format("the sweep has {} units or more, beyond the {} of one sweep; split the spec", number,
                                 with_commas(most_units)));
  }
}

/// The same whatever the order of the settings in the spec.
std::string key_of(const SweepUnit& unit) {
  Settings sorted = unit.settings;
  std::sort(sorted.begin(), sorted.end());
  return nlohmann::ordered_json{
      {"dataset", unit.dataset}, {"method", unit.method}, {"settings", sweep::settings_json(sorted)}}
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// False where "all" methods were asked for and this one cannot read the data set.
bool can_score(const Estimator& method, const std::vector<ZooEntry>& entries, bool all) {
  if (std::any_of(entries.begin(), entries.end(),
                  [&](const ZooEntry& entry) { return method.missing_input(entry).empty(); })) {
    return true;
  }
  if (!all) {
    const ZooEntry& first = entries.front();
    throw InputError(
        fmt::format("{} of {}: {} needs {}", first.model, first.dataset, method.name, method.missing_input(first)));
  }
  return false;
}

}  // namespace

SweepPlan plan_sweep(SweepSpec spec) {
  SweepPlan plan;
  plan.spec = std::move(spec);
  const std::vector<const Estimator*> methods = methods_of(plan.spec);
  check_settings(plan.spec, methods);
  in_place(plan.spec, {"datasets"}, [&] { refuse_twice("datasets", find_twice(plan.spec.datasets)); });

  std::vector<std::string> known = plan.spec.datasets;
  if (!plan.spec.truth.empty()) {
    plan.truth = in_place(plan.spec, {"truth"}, [&] { return read_ground_truth(plan.spec.truth); });
    known.insert(known.end(), plan.truth->datasets.begin(), plan.truth->datasets.end());
  }
  plan.zoo = in_place(plan.spec, {"zoo"}, [&] { return discover_zoo(plan.spec.zoo, {.datasets = known}); });
  const std::vector<std::string> datasets = plan.spec.datasets.empty() ? plan.zoo.dataset_names() : plan.spec.datasets;
  for (std::size_t i = 0; i < plan.spec.datasets.size(); ++i) {
    in_place(plan.spec, {fmt::format("datasets/{}", i)}, [&] { (void)plan.zoo.entries(datasets[i]); });
  }
  if (plan.truth && std::none_of(datasets.begin(), datasets.end(),
                                 [&](const std::string& name) { return plan.truth->accuracy.count(name) > 0; })) {
    throw InputError(fmt::format("{}: has no column for {}; it has {}", path_text(plan.truth->file),
                                 fmt::join(datasets, ", "), fmt::join(plan.truth->datasets, ", ")));
  }

  std::string keys;
  double units = 0;
  for (const std::string& dataset : datasets) {
    const std::vector<ZooEntry>& entries = plan.zoo.entries(dataset);
    for (const Estimator* method : methods) {
      if (!can_score(*method, entries, plan.spec.methods.front() == "all")) {
        continue;
      }
      const Axes axes = axes_for(*method, plan.spec);
      add_units(units, axes);
      for (Settings& settings : sweep::combinations(axes)) {
        SweepUnit unit;
        unit.index = plan.units.size();
        unit.dataset = dataset;
        unit.method = method->name;
        unit.settings = std::move(settings);
        unit.key = key_of(unit);
        keys += unit.key + '\n';
        plan.units.push_back(std::move(unit));
      }
    }
  }
  plan.hash = io::hash_of(keys);
  return plan;
}

}  // namespace itm
