#include "session/row_selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/philox.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

/// Keeps the rows of `task` at the places `kept` (ascending) of the rows that it has now.
void keep(DatasetTask& task, const std::vector<std::uint32_t>& kept) {
  const bool labelled = task.labels.classes > 0;
  std::vector<std::uint32_t> rows(kept.size());
  Labels labels{std::vector<std::int32_t>(labelled ? kept.size() : 0), task.labels.classes, task.labels.names};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    rows[i] = task.file_row(kept[i]);
    if (labelled) {
      labels.values[i] = task.labels.values[kept[i]];
    }
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

/// How many rows of classes of these sizes make `most` in all: the share of each, at least two where it has them, and
/// what is then left over or too much where rounding took or gave most.
std::vector<std::size_t> shares_of(const std::vector<std::size_t>& sizes, std::size_t most) {
  const double total = static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
  std::vector<std::size_t> shares(sizes.size());
  std::vector<double> owed(sizes.size());
  std::size_t given = 0;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const double wanted = static_cast<double>(most) * static_cast<double>(sizes[c]) / total;
    shares[c] = std::max(static_cast<std::size_t>(wanted), std::min<std::size_t>(sizes[c], 2));
    owed[c] = wanted - static_cast<double>(shares[c]);
    given += shares[c];
  }
  for (; given < most; ++given) {
    std::size_t next = sizes.size();
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      if (shares[c] < sizes[c] && (next == sizes.size() || owed[c] > owed[next])) {
        next = c;
      }
    }
    ++shares[next];
    owed[next] -= 1;
  }
  for (; given > most; --given) {
    std::size_t next = sizes.size();
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      if (shares[c] > 2 && (next == sizes.size() || owed[c] < owed[next])) {
        next = c;
      }
    }
    --shares[next];
    owed[next] += 1;
  }
  return shares;
}

}  // namespace

void sample_rows(DatasetTask& task, std::size_t rows, std::size_t most, std::uint64_t seed) {
  constexpr std::size_t fewest = 10;  // as for whole data sets
  constexpr std::uint64_t stream = philox::stream_id("rows of a data set");
  const bool labelled = task.labels.classes > 0;
  const std::size_t count = labelled ? task.labels.values.size() : task.rows.empty() ? rows : task.rows.size();
  if (count <= most) {
    return;
  }
  std::vector<std::vector<std::uint32_t>> members(std::max<std::size_t>(task.labels.classes, 1));
  for (std::uint32_t i = 0; i < count; ++i) {
    members[labelled ? static_cast<std::size_t>(task.labels.values[i]) : 0].push_back(i);
  }
  const std::vector<std::size_t> sizes = labelled ? task.labels.class_sizes() : std::vector<std::size_t>{count};
  std::size_t least = 0;
  for (const std::size_t size : sizes) {
    least += std::min<std::size_t>(size, 2);
  }
  if (most < std::max(least, fewest)) {
    throw InputError(fmt::format("{}: {} rows are too few for its {} classes; pass --rows {} or more",
                                 printable(task.dataset, 200), with_commas(most), with_commas(task.labels.classes),
                                 std::max(least, fewest)));
  }
  const std::vector<std::size_t> shares = shares_of(sizes, most);
  std::vector<std::uint32_t> kept;
  for (std::size_t c = 0; c < members.size(); ++c) {
    std::sort(members[c].begin(), members[c].end(), [&](std::uint32_t a, std::uint32_t b) {
      const std::uint64_t first = philox::draw64(seed, stream, a);
      const std::uint64_t second = philox::draw64(seed, stream, b);
      return first != second ? first < second : a < b;
    });
    kept.insert(kept.end(), members[c].begin(), members[c].begin() + static_cast<std::ptrdiff_t>(shares[c]));
  }
  std::sort(kept.begin(), kept.end());
  keep(task, kept);
  task.remarks.push_back(
      fmt::format("scored on {} of {} rows, the same for all models", with_commas(most), with_commas(count)));
}

void drop_rare_classes(DatasetTask& task, std::size_t fewest) {
  const std::size_t rows = task.labels.values.size();
  const std::size_t classes = task.labels.classes;
  std::vector<std::size_t> sizes = task.labels.class_sizes();
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

void drop_constant_targets(DatasetTask& task) {
  Targets& targets = *task.targets;
  const std::size_t rows = task.row_count();
  const auto row_of = [&](std::size_t i) {
    return targets.values.begin() + static_cast<std::ptrdiff_t>(task.file_row(i) * targets.count);
  };
  std::vector<char> varies(targets.count);
  for (std::size_t i = 1; i < rows; ++i) {
    const auto row = row_of(i);
    for (std::size_t t = 0; t < targets.count; ++t) {
      if (row[static_cast<std::ptrdiff_t>(t)] != row_of(0)[static_cast<std::ptrdiff_t>(t)]) {
        varies[t] = 1;
      }
    }
  }
  const auto left = static_cast<std::size_t>(std::count(varies.begin(), varies.end(), 1));
  if (left == targets.count) {
    return;
  }
  if (left == 0) {
    throw InputError(fmt::format("{}: every target is the same in all {} rows; there is nothing to predict",
                                 path_text(task.entries.front().target->file), with_commas(rows)));
  }
  Targets kept{targets.kind, left, {}};
  kept.values.reserve(targets.rows() * left);
  for (std::size_t i = 0; i < targets.values.size(); ++i) {
    if (varies[i % targets.count] != 0) {
      kept.values.push_back(targets.values[i]);
    }
  }
  task.remarks.push_back(fmt::format("{} of {} targets are the same in all rows and were left out",
                                     with_commas(targets.count - left), with_commas(targets.count)));
  targets = std::move(kept);
}

void check_split(DatasetTask& task) {
  const std::size_t rows = task.row_count();
  std::size_t held_out = 0;
  std::vector<std::size_t> trained(task.labels.classes);
  for (std::size_t i = 0; i < rows; ++i) {
    const bool out = task.held_out[task.file_row(i)] != 0;
    held_out += out ? 1 : 0;
    if (!out && !task.targets) {
      ++trained[static_cast<std::size_t>(task.labels.values[i])];
    }
  }
  constexpr std::size_t fewest = 2;
  if (held_out < fewest || rows - held_out < fewest) {
    throw InputError(
        fmt::format("{}: the split leaves {} to train on and {} to validate on; both parts need {} or more",
                    printable(task.dataset, 200), plural(rows - held_out, "row"), plural(held_out, "row"), fewest));
  }
  const auto untrained = static_cast<std::size_t>(std::count(trained.begin(), trained.end(), 0U));
  if (untrained > 0) {
    task.remarks.push_back(fmt::format("{} of {} classes have no row to train on in the split", with_commas(untrained),
                                       with_commas(task.labels.classes)));
  }
}

}  // namespace itm
