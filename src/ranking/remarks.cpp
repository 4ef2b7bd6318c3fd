#include "ranking/remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/text.hpp"

namespace itm {
namespace {

/// From here on the largest class hides the smallest in every mean over rows.
constexpr double unbalanced = 20;

void remark_on_balance(RankedDataset& result, const std::vector<std::size_t>& sizes) {
  const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
  if (static_cast<double>(*most) > unbalanced * static_cast<double>(*least)) {
    result.remarks.push_back(
        fmt::format("the largest class has {} rows, the smallest {}: scores speak for the large classes",
                    with_commas(*most), with_commas(*least)));
  }
}

/// An accuracy that naming the largest class for every row reaches as well.
void remark_on_chance(RankedDataset& result, const Estimator& estimator, const std::vector<std::size_t>& sizes,
                      std::size_t rows) {
  if (estimator.unit == ScoreUnit::number || result.models.empty()) {
    return;
  }
  const double scale = estimator.unit == ScoreUnit::percent ? 100 : 1;
  const double chance =
      scale * static_cast<double>(*std::max_element(sizes.begin(), sizes.end())) / static_cast<double>(rows);
  const bool guessing = std::all_of(result.models.begin(), result.models.end(), [&](const ScoredModel& model) {
    return model.score - 2 * model.error.value_or(0) <= chance;
  });
  if (guessing) {
    result.remarks.push_back(fmt::format(
        "no model is surely better than naming the largest class, {:.1f} %; are the labels in the order of the rows?",
        100 / scale * chance));
  }
}

void remark_on_dropped_rows(RankedDataset& result) {
  std::size_t models = 0;
  double most = 0;
  for (const ScoredModel& model : result.models) {
    const double dropped = model.details.number("dropped_rows").value_or(0);
    models += dropped > 0 ? 1 : 0;
    most = std::max(most, dropped);
  }
  if (models > 0) {
    result.remarks.push_back(
        fmt::format("{} lost rows with NaN or infinity, {} at most{}", plural(models, "model"),
                    with_commas(static_cast<std::uint64_t>(most)),
                    models < result.models.size() ? ": models were scored on different rows" : ""));
  }
}

}  // namespace

void add_remarks(RankedDataset& result, const Estimator& estimator, const Labels& labels, const RankOptions& options) {
  if (labels.classes > 0) {
    const std::vector<std::size_t> sizes = labels.class_sizes();
    remark_on_chance(result, estimator, sizes, labels.values.size());
    remark_on_balance(result, sizes);
  }
  remark_on_dropped_rows(result);
  const bool fixed =
      estimator.group == SettingGroup::training && (!options.itm.adaptive || options.itm.dispersion_base);
  if (estimator.of_company && !fixed && result.models.size() > 1) {
    result.remarks.push_back(
        fmt::format("a model's {} score depends on the others: rank all candidates together", estimator.name));
  }
}

}  // namespace itm
