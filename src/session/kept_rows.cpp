#include "session/kept_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"

namespace itm {

KeptRows drop_bad_rows(const Array& feature, const DatasetTask& task) {
  KeptRows kept{task.rows, std::nullopt};
  const Labels& labels = task.labels;
  const bool labelled = labels.classes > 0;
  const std::size_t rows = task.rows.empty() ? feature.rows() : task.rows.size();
  if (labelled && rows != labels.values.size()) {
    return kept;  // whoever reads the features next says that the numbers of rows differ
  }
  std::vector<std::uint32_t> bad = find_bad_rows(feature);
  if (!task.rows.empty()) {
    std::erase_if(bad, [&](std::uint32_t row) { return !std::binary_search(task.rows.begin(), task.rows.end(), row); });
  }
  if (bad.empty()) {
    return kept;
  }
  kept.rows.clear();
  Labels left;
  left.classes = labels.classes;
  std::vector<std::size_t> class_size(left.classes);
  auto next_bad = bad.begin();
  for (std::size_t i = 0; i < rows; ++i) {
    if (next_bad != bad.end() && *next_bad == task.file_row(i)) {
      ++next_bad;
      continue;
    }
    kept.rows.push_back(task.file_row(i));
    if (!labelled) {
      continue;
    }
    left.values.push_back(labels.values[i]);
    class_size[static_cast<std::size_t>(left.values.back())] += 1;
  }
  const auto lost = std::find_if(class_size.begin(), class_size.end(), [](std::size_t size) { return size < 2; });
  if (lost != class_size.end()) {
    throw InputError(fmt::format("{}: without its {} bad rows class {} has {} row(s) left; extract it again",
                                 path_text(feature.source()), with_commas(bad.size()), lost - class_size.begin(),
                                 *lost));
  }
  if (labelled) {
    kept.labels = std::move(left);
  }
  return kept;
}

KeptRows leave_out(const KeptRows& kept, const Labels& labels, std::size_t rows, const LeaveOut& out) {
  const Labels& mine = kept.labels_or(labels);
  const bool labelled = mine.classes > 0;
  // Rows of a class go round the groups; each class begins where the one before it ended.
  std::vector<std::size_t> next(std::max<std::size_t>(mine.classes, 1));
  for (const std::int32_t y : mine.values) {
    ++next[static_cast<std::size_t>(y)];
  }
  std::exclusive_scan(next.begin(), next.end(), next.begin(), std::size_t{0});
  KeptRows left;
  Labels left_labels;
  left_labels.classes = mine.classes;
  const std::size_t count = kept.rows.empty() ? rows : kept.rows.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t c = labelled ? static_cast<std::size_t>(mine.values[i]) : 0;
    if (next[c]++ % out.groups == out.group) {
      continue;
    }
    left.rows.push_back(kept.file_row(i));
    if (labelled) {
      left_labels.values.push_back(mine.values[i]);
    }
  }
  if (labelled) {
    left.labels = std::move(left_labels);
  }
  return left;
}

}  // namespace itm
