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

/// An accuracy that naming the largest class for every row reaches as well, and its like.
void remark_on_chance(RankedDataset& result, const Estimator& estimator, const ScoredRows& rows) {
  if (estimator.unit == ScoreUnit::number || result.models.empty()) {
    return;
  }
  const double scale = estimator.unit == ScoreUnit::percent ? 100 : 1;
  const double share = rows.kind == TargetKind::labels ? 0.5
                       : rows.kind == TargetKind::numbers
                           ? 0.0
                           : static_cast<double>(*std::max_element(rows.class_sizes.begin(), rows.class_sizes.end())) /
                                 static_cast<double>(rows.rows);
  const double chance = scale * share;
  const bool guessing = std::all_of(result.models.begin(), result.models.end(), [&](const ScoredModel& model) {
    return model.score - 2 * model.error.value_or(0) <= chance;
  });
  if (guessing) {
    const bool classes = rows.kind == TargetKind::classes;
    result.remarks.push_back(
        fmt::format("no model is surely better than {}, {:.1f} %; are the {} in the order of the rows?",
                    classes                            ? "naming the largest class"
                    : rows.kind == TargetKind::numbers ? "naming the mean"
                                                       : "guessing",
                    100 * share, classes ? "labels" : "targets"));
  }
}

/// What was predicted, where that is no class, and on which rows, where the person says so.
void remark_on_task(RankedDataset& result, const Estimator& estimator, const ScoredRows& rows) {
  if (rows.kind != TargetKind::classes) {
    const bool labels = rows.kind == TargetKind::labels;
    const char* meaning = estimator.unit == ScoreUnit::number ? ""
                          : labels ? "; scores are the mean area under the labels' ROC curves"
                                   : "; scores are the share of their variance that is explained (R^2)";
    result.remarks.push_back(
        labels ? fmt::format("predicts {} of a row, each 0 or 1{}", plural(rows.targets, "label"), meaning)
               : fmt::format("predicts {} of a row{}", plural(rows.targets, "number"), meaning));
  }
  if (rows.held_out > 0 && estimator.validates) {
    result.remarks.push_back(fmt::format("validated on the {} of {} rows that the split holds out",
                                         with_commas(rows.held_out), with_commas(rows.rows)));
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

ScoredRows about(const DatasetTask& task) {
  ScoredRows rows;
  rows.remarks = task.remarks;
  rows.kind = task.kind();
  if (task.targets) {
    rows.targets = task.targets->count;
  } else {
    rows.class_sizes = task.labels.class_sizes();
  }
  rows.rows = task.row_count();
  if (!task.held_out.empty()) {
    for (std::size_t i = 0; i < rows.rows; ++i) {
      rows.held_out += task.held_out[task.file_row(i)];
    }
  }
  return rows;
}

void add_remarks(RankedDataset& result, const Estimator& estimator, const ScoredRows& rows,
                 const RankOptions& options) {
  result.remarks = rows.remarks;
  remark_on_task(result, estimator, rows);
  remark_on_chance(result, estimator, rows);
  if (rows.kind == TargetKind::classes) {
    remark_on_balance(result, rows.class_sizes);
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
