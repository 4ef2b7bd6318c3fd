#include "session/row_selection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

/// Keeps the rows of `task` at the places `kept` (ascending) of the rows that it has now.
void keep(DatasetTask& task, const std::vector<std::uint32_t>& kept) {
  std::vector<std::uint32_t> rows(kept.size());
  Labels labels{std::vector<std::int32_t>(kept.size()), task.labels.classes, task.labels.names};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    rows[i] = task.rows.empty() ? kept[i] : task.rows[kept[i]];
    labels.values[i] = task.labels.values[kept[i]];
  }
  task.rows = std::move(rows);
  task.labels = std::move(labels);
}

/// Numbers the classes anew that have rows left; the others are gone.
void renumber(Labels& labels, const std::vector<std::size_t>& sizes) {
  std::vector<std::int32_t> number(labels.classes);
  std::vector<std::string> names;
  std::int32_t next = 0;
  for (std::size_t c = 0; c < labels.classes; ++c) {
    if (sizes[c] == 0) {
      continue;
    }
    number[c] = next++;
    names.push_back(labels.names.empty() ? std::to_string(c) : labels.names[c]);
  }
  for (std::int32_t& value : labels.values) {
    value = number[static_cast<std::size_t>(value)];
  }
  labels.classes = static_cast<std::size_t>(next);
  labels.names = std::move(names);
}

}  // namespace

void drop_rare_classes(DatasetTask& task, std::size_t fewest) {
  const std::size_t rows = task.labels.values.size();
  const std::size_t classes = task.labels.classes;
  std::vector<std::size_t> sizes(classes);
  for (const std::int32_t y : task.labels.values) {
    ++sizes[static_cast<std::size_t>(y)];
  }
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < rows; ++i) {
    if (sizes[static_cast<std::size_t>(task.labels.values[i])] >= fewest) {
      kept.push_back(static_cast<std::uint32_t>(i));
    }
  }
  if (kept.size() == rows) {
    return;
  }
  for (std::size_t& size : sizes) {
    size = size >= fewest ? size : 0;
  }
  const auto left = static_cast<std::size_t>(std::count_if(sizes.begin(), sizes.end(), [](auto s) { return s > 0; }));
  if (left < 2) {
    throw InputError(fmt::format("{}: {} of {} classes would be left by --drop-rare-classes {}; pass a smaller number",
                                 printable(task.dataset, 200), left, with_commas(classes), fewest));
  }
  keep(task, kept);
  renumber(task.labels, sizes);
  task.remarks.push_back(fmt::format("{} of {} classes with less than {} rows were left out, {} of {} rows with them",
                                     with_commas(classes - left), with_commas(classes), fewest,
                                     with_commas(rows - kept.size()), with_commas(rows)));
}

}  // namespace itm
