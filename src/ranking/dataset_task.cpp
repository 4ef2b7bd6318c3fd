#include "ranking/dataset_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "session/row_selection.hpp"

namespace itm {
namespace {

bool is_same(const ArrayRef& a, const ArrayRef& b) { return !a.memory && a.file == b.file && a.key == b.key; }

class TaskOfDataset {
 public:
  TaskOfDataset(std::string dataset, const RankOptions& options) : options_(options) {
    task_.dataset = std::move(dataset);
  }

  /// Throws InputError where the entry does not fit those before it.
  void add(const ZooEntry& entry) {
    if (first_ && first_->target.has_value() != entry.target.has_value()) {
      throw InputError(fmt::format("{}: {} has {} to predict, but {} has {}; give all models of a data set the same",
                                   printable(task_.dataset, 200), printable(entry.model, 200),
                                   entry.target ? "targets" : "labels", printable(first_->model, 200),
                                   first_->target ? "targets" : "labels"));
    }
    if (entry.target) {
      add_targets(entry);
    } else {
      add_labels(entry);
    }
    if (entry.split) {
      add_split(entry);
    }
    if (!first_) {
      first_ = entry;
    }
    task_.entries.push_back(entry);
  }

  [[nodiscard]] bool is_empty() const { return task_.entries.empty(); }

  /// With the rows that are scored.
  DatasetTask finish() {
    if (!task_.labels.names.empty() && task_.labels.names.front().starts_with('-')) {
      task_.remarks.push_back(fmt::format("label {} counts as a class; drop its rows where it means unlabelled",
                                          task_.labels.names.front()));
    }
    if (options_.drop_rare_classes > 0 && !task_.targets) {
      drop_rare_classes(task_, options_.drop_rare_classes);
    }
    if (options_.rows > 0) {
      const std::size_t rows = task_.targets ? task_.targets->rows() : task_.labels.values.size();
      sample_rows(task_, rows, options_.rows, options_.seed);
    }
    if (task_.targets) {
      drop_constant_targets(task_);
    }
    if (!task_.held_out.empty()) {
      check_split(task_);
    }
    return std::move(task_);
  }

 private:
  [[noreturn]] void refuse_other(const ArrayRef& mine, const ArrayRef& first, const char* what) const {
    throw InputError(fmt::format("{}: {} from {}; all models of a data set need the same images in the same order",
                                 path_text(mine.file), what, path_text(first.file)));
  }

  void add_labels(const ZooEntry& entry) {
    Labels labels = read_entry_labels(entry, options_.drop_rare_classes > 0 ? 1 : 2);
    if (!first_) {
      task_.labels = std::move(labels);
    } else if (labels.values != task_.labels.values || labels.names != task_.labels.names) {
      refuse_other(entry.label, first_->label, "labels differ");
    }
  }

  void add_targets(const ZooEntry& entry) {
    if (first_ && is_same(*entry.target, *first_->target) && entry.feature.rows() == task_.targets->rows()) {
      return;
    }
    Targets targets = read_entry_targets(entry);
    if (!first_) {
      task_.targets = std::move(targets);
    } else if (targets.values != task_.targets->values || targets.count != task_.targets->count) {
      refuse_other(*entry.target, *first_->target, "targets differ");
    }
  }

  void add_split(const ZooEntry& entry) {
    if (split_ && is_same(*entry.split, *split_) && entry.feature.rows() == task_.held_out.size()) {
      return;
    }
    std::vector<std::uint8_t> held_out = read_entry_split(entry);
    if (!split_) {
      task_.held_out = std::move(held_out);
      split_ = entry.split;
    } else if (held_out != task_.held_out) {
      refuse_other(*entry.split, *split_, "the split differs");
    }
  }

  const RankOptions& options_;
  DatasetTask task_;
  std::optional<ZooEntry> first_;
  std::optional<ArrayRef> split_;
};

}  // namespace

DatasetTask make_task(const Zoo& zoo, const std::string& dataset, const RankOptions& options,
                      std::vector<Failure>& failures) {
  TaskOfDataset task(dataset, options);
  for (const ZooEntry& entry : zoo.entries(dataset)) {
    try {
      task.add(entry);
    } catch (const InputError& error) {
      if (!options.keep_going) {
        throw;
      }
      failures.push_back({dataset, entry.model, "", error.what()});
    }
  }
  if (task.is_empty()) {
    throw InputError(failures.empty() ? fmt::format("{}: no model has features for {}", path_text(zoo.directory),
                                                    printable(dataset, 200))
                                      : failures.back().message);
  }
  return task.finish();
}

}  // namespace itm
