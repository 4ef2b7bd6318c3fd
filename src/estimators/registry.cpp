#include "estimators/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm {

namespace {

/// Room for what programs register: a reference to an estimator stays good.
constexpr std::size_t most_estimators = 256;

std::vector<Estimator>& all_estimators() {
  static std::vector<Estimator> all = [] {
    std::vector<Estimator> own{
        itm_estimator(),                //
        logme_estimator(),              //
        leep_estimator(),               //
        nce_estimator(),                //
        nleep_estimator(),              //
        parc_estimator(),               //
        sfda_estimator(),               //
        ped_estimator(),                //
        etran_estimator(),              //
        ncti_estimator(),               //
        pactran_estimator(),            //
        pactran_dirichlet_estimator(),  //
        gbc_estimator(),                //
        lead_estimator(),               //
        hscore_estimator(),             //
        transrate_estimator(),          //
        knn_estimator(),                //
        linear_probe_estimator(),       //
    };
    own.reserve(most_estimators);
    return own;
  }();
  return all;
}

bool is_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

const std::vector<Estimator>& estimators() { return all_estimators(); }

void register_estimator(Estimator estimator) {
  if (!is_name(estimator.name) || !estimator.open) {
    throw InputError(fmt::format("the method {} cannot be registered: it needs `open`, and a name of a-z, 0-9 and _",
                                 in_quotes(estimator.name)));
  }
  if (known_estimator(estimator.name) != nullptr) {
    throw InputError(fmt::format("there is a method {} already; register it under another name", estimator.name));
  }
  if (all_estimators().size() == most_estimators) {
    throw InputError(fmt::format("no more than {} methods can be registered", most_estimators));
  }
  all_estimators().push_back(std::move(estimator));
}

std::string Estimator::missing_input(const ZooEntry& entry) const {
  if (entry.target && !inputs.regression && !inputs.multi_label) {
    return fmt::format("class labels; targets are scored by {}",
                       methods_for({TargetKind::labels, TargetKind::numbers}));
  }
  if (inputs.output && !entry.output) {
    return "source logits (..._output.npy, or --output)";
  }
  if (inputs.source && !entry.source) {
    return "features of source images ({model}_source_feature.npy, or --source)";
  }
  return {};
}

Workload Workload::limited_to(double most_rows) const {
  Workload limited = *this;
  if (rows > most_rows) {
    limited.rows = most_rows;
    limited.bytes *= most_rows / rows;
  }
  return limited;
}

std::size_t Estimator::jackknife_groups(double seconds, const RankOptions& options) const {
  constexpr std::size_t usual = 8;
  constexpr double unnoticed = 0.25;  // seconds a model
  if (!jackknifed || unit != ScoreUnit::number) {
    return 0;
  }
  if (options.jackknife) {
    return *options.jackknife < 2 ? 0 : static_cast<std::size_t>(*options.jackknife);
  }
  return seconds * static_cast<double>(usual) <= unnoticed ? usual : 0;
}

Cost Estimator::cost_of(const Workload& all_rows, const RankOptions& options) const {
  const Workload work = options.rows > 0 ? all_rows.limited_to(static_cast<double>(options.rows)) : all_rows;
  Cost found;
  if (cost) {
    found = cost(work, options);
  } else {
    // A Gram matrix, its factorisation, and a few passes over the rows; the stored rows and a float64 copy of a block.
    const double products = work.rows * work.dims * work.dims + 4 * work.dims * work.dims * work.dims +
                            work.rows * work.dims * work.classes;
    found = {products * 2e-11 + 8e-9 * work.rows * work.dims, work.bytes + 32 * work.dims * work.dims};
  }
  const std::size_t scores = (seeded ? options.repeats : 1) + jackknife_groups(found.seconds, options);
  found.seconds *= static_cast<double>(scores);
  return found;
}

Cost Estimator::cost_of(const std::vector<Workload>& work, const RankOptions& options) const {
  Cost sum;
  for (const Workload& model : work) {
    const Cost one = cost_of(model, options);
    sum.seconds += one.seconds;
    sum.bytes = std::max(sum.bytes, one.bytes);
  }
  return sum;
}

Precision Estimator::precision(const RankOptions& options) const {
  if (group == SettingGroup::training) {
    return options.itm.precision;
  }
  return float32 && options.arithmetic == Arithmetic::float32 ? Precision::float32 : Precision::float64;
}

std::string methods_for(std::initializer_list<TargetKind> kinds) {
  std::vector<std::string> names;
  for (const Estimator& estimator : estimators()) {
    if (std::any_of(kinds.begin(), kinds.end(), [&](TargetKind kind) { return estimator.inputs.takes(kind); })) {
      names.push_back(estimator.name);
    }
  }
  const std::string last = names.empty() ? "no method" : names.back();
  if (names.size() < 2) {
    return last;
  }
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

const Estimator* known_estimator(std::string_view name) {
  const auto& all = estimators();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Estimator& e) { return e.name == name; });
  return found == all.end() ? nullptr : &*found;
}

namespace {

/// "H-score", "h score" and "hscore" are one name.
std::string bare(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      text += static_cast<char>(c - 'A' + 'a');
    } else if (c != ' ' && c != '-' && c != '_') {
      text += c;
    }
  }
  return text;
}

/// Letters to add, take away or exchange to make one word of the other.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t exchanged = corner + (a[i] == b[j] ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, exchanged});
    }
  }
  return row.back();
}

}  // namespace

const Estimator& find_estimator(const std::string& name) {
  const std::string wanted = bare(name);
  std::vector<std::string> near;
  for (const Estimator& estimator : estimators()) {
    const std::string known = bare(estimator.name);
    if (known == wanted) {
      return estimator;
    }
    if (edits(known, wanted) <= (wanted.size() < 5 ? 1U : 2U)) {
      near.push_back(estimator.name);
    }
  }
  if (!near.empty()) {
    throw InputError(fmt::format("there is no method {}; did you mean {}? itm methods lists all of them",
                                 in_quotes(name), fmt::join(near, " or ")));
  }
  std::vector<std::string> names;
  std::transform(estimators().begin(), estimators().end(), std::back_inserter(names),
                 [](const Estimator& e) { return e.name; });
  throw InputError(fmt::format("there is no method {}; choose among: {}", in_quotes(name), fmt::join(names, ", ")));
}

}  // namespace itm
