#include "ranking.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "array_view.hpp"
#include "itm/all.hpp"
#include "request.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace itm::python {
namespace {

/// Name, features, the same on a device, source logits, features of source images.
using Model =
    std::tuple<std::string, AnyArray, std::optional<OnDevice>, std::optional<AnyArray>, std::optional<AnyArray>>;
using LabelArray = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
/// 1: held out for validation.
using SplitArray = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
/// Name of a model -> accuracy in percent.
using Truth = std::map<std::string, double>;

/// What came out and what was asked for. A Python program can be repeated by `itm rank --from`, and the other way
/// round.
struct Result {
  RankReport report;
  Record record;
  std::size_t rows = 0;  ///< that a time budget allowed; 0: all
};

/// Runs work(options) on a thread of its own, without Python's lock. Meanwhile this thread, whose signals and callbacks
/// Python knows, looks for Ctrl-C and tells `progress(done, total, share, method, model)`: work never waits for Python.
template <typename Work>
RankReport watched(RankOptions options, const nb::object& progress, const Work& work) {
  constexpr auto interval = std::chrono::milliseconds(50);
  std::atomic<bool> stop{false};
  std::mutex guard;
  std::condition_variable ended;
  bool done = false;
  std::optional<RankProgress> news;
  options.cancelled = [&] { return stop.load(); };
  options.progress = [&](const RankProgress& now) {
    const std::lock_guard lock(guard);
    news = now;
  };

  RankReport report;
  std::exception_ptr failure;
  std::exception_ptr from_python;
  const auto look = [&](const std::optional<RankProgress>& latest) {
    const nb::gil_scoped_acquire locked;
    try {
      if (PyErr_CheckSignals() != 0) {
        throw nb::python_error();
      }
      if (latest && !progress.is_none()) {
        progress(latest->done, latest->total, latest->work, latest->left, latest->method, latest->model);
      }
    } catch (...) {
      from_python = std::current_exception();
      stop = true;
    }
  };
  {
    const nb::gil_scoped_release unlocked;
    std::thread worker([&] {
      try {
        report = work(options);
      } catch (...) {
        failure = std::current_exception();
      }
      const std::lock_guard lock(guard);
      done = true;
      ended.notify_one();
    });
    for (bool finished = false; !finished;) {
      std::optional<RankProgress> latest;
      {
        std::unique_lock lock(guard);
        ended.wait_for(lock, interval, [&] { return done; });
        finished = done;
        latest = std::exchange(news, std::nullopt);
      }
      if (!from_python) {
        look(latest);
      }
    }
    worker.join();
  }
  if (from_python || failure) {
    std::rethrow_exception(from_python ? from_python : failure);
  }
  return report;
}

DatasetExtras extras_of(const std::string& name, const std::optional<AnyArray>& output,
                        const std::optional<AnyArray>& source) {
  DatasetExtras extras;
  if (output) {
    extras.output = view_of(*output, "source logits of " + name);
  }
  if (source) {
    extras.source = view_of(*source, "source features of " + name);
  }
  return extras;
}

Result rank_arrays(const std::string& dataset, const std::vector<Model>& models,
                   const std::optional<LabelArray>& labels, const std::optional<AnyArray>& targets,
                   const std::optional<SplitArray>& split, const nb::dict& asked, const std::optional<Truth>& truth,
                   const nb::object& progress) {
  const Request request = request_of(asked);
  RankOptions options = options_of(request);
  Dataset made = labels ? Dataset(dataset, std::span(labels->data(), labels->shape(0)))
                        : Dataset(dataset, view_of(targets.value(), "targets of " + dataset));
  if (split) {
    made.set_split(std::span(split->data(), split->shape(0)));
  }
  for (const auto& [name, features, there, output, source] : models) {
    const Array view = view_of(features, name);
    made.add(name, there ? view.with_device_copy(there->array.data()) : view, extras_of(name, output, source));
  }
  const Zoo zoo = made.zoo();
  Result result{{}, record_of(request, options), limit_rows(zoo, request, options)};
  result.record.options.emplace(result.record.options.begin(), "--dataset", std::vector{dataset});
  const std::vector<ZooEntry>& entries = zoo.entries(dataset);
  result.record.data = {{dataset, entries.size(), entries.front().feature.rows(), ""}};
  result.report = watched(options, progress, [&](const RankOptions& told) { return rank_zoo(zoo, told); });
  if (truth) {
    GroundTruth known;
    known.file = "truth";
    known.datasets = {dataset};
    known.accuracy[dataset] = *truth;
    for (const auto& [model, accuracy] : *truth) {
      known.models.push_back(model);
    }
    add_agreement(result.report, known, {request.bootstrap, 0.95, request.seed});
  }
  return result;
}

/// What of a folder is ranked.
struct Choice {
  std::filesystem::path folder;
  std::vector<std::string> datasets;
  std::optional<std::filesystem::path> truth;
  ZooOptions zoo;
};

Choice choice_of(const nb::dict& asked) {
  Choice choice;
  choice.folder = nb::cast<std::filesystem::path>(asked["folder"]);
  choice.datasets = nb::cast<std::vector<std::string>>(asked["datasets"]);
  choice.truth = nb::cast<std::optional<std::filesystem::path>>(asked["truth"]);
  choice.zoo.models = nb::cast<std::vector<std::string>>(asked["models"]);
  choice.zoo.exclude = nb::cast<std::vector<std::string>>(asked["exclude"]);
  choice.zoo.manifest = nb::cast<std::optional<std::filesystem::path>>(asked["manifest"]).value_or("");
  choice.zoo.feature_key = nb::cast<std::string>(asked["feature_key"]);
  choice.zoo.targets = nb::cast<bool>(asked["targets"]);
  choice.zoo.split = nb::cast<std::optional<std::filesystem::path>>(asked["split"]).value_or("");
  choice.zoo.datasets = choice.datasets;
  return choice;
}

/// The options of `itm rank` that say so.
void record_choice(Record& record, const Choice& choice) {
  std::vector<std::pair<std::string, std::vector<std::string>>> first;
  const auto add = [&](const std::string& name, const std::vector<std::string>& values) {
    if (!values.empty() && !values.front().empty()) {
      first.emplace_back(name, values);
    }
  };
  add("zoo", {choice.folder.string()});
  add("--dataset", choice.datasets);
  add("--models", choice.zoo.models);
  add("--exclude", choice.zoo.exclude);
  add("--manifest", {choice.zoo.manifest.string()});
  add("--feature-key", {choice.zoo.feature_key});
  add("--targets", {choice.zoo.targets ? "true" : ""});
  add("--split", {choice.zoo.split.string()});
  add("--truth", {choice.truth.value_or("").string()});
  record.options.insert(record.options.begin(), first.begin(), first.end());
}

Result rank_folder(const nb::dict& asked, const nb::object& progress) {
  const Request request = request_of(asked);
  RankOptions options = options_of(request);
  Choice choice = choice_of(asked);
  options.datasets = choice.datasets;
  std::optional<GroundTruth> known;
  if (choice.truth) {
    known = read_ground_truth(*choice.truth);
    choice.zoo.datasets.insert(choice.zoo.datasets.end(), known->datasets.begin(), known->datasets.end());
  }
  const Zoo zoo = discover_zoo(choice.folder, choice.zoo);
  std::map<std::string, std::vector<ZooEntry>> ranked;
  for (const std::string& dataset : choice.datasets.empty() ? zoo.dataset_names() : choice.datasets) {
    ranked[dataset] = zoo.entries(dataset);  // says which there are when this is none of them
  }
  Result result{{}, record_of(request, options), limit_rows(zoo, request, options)};
  record_choice(result.record, choice);
  result.record.data = identify(ranked, request.threads);
  result.report = watched(options, progress, [&](const RankOptions& told) { return rank_zoo(zoo, told); });
  if (known) {
    add_agreement(result.report, *known, {request.bootstrap, 0.95, request.seed});
  }
  return result;
}

nb::dict record_in(const std::filesystem::path& file) {
  const Record record = read_record(file);
  nb::dict options;
  for (const auto& [name, values] : record.options) {
    options[name.c_str()] = values;
  }
  nb::dict found;
  found["command"] = record.command;
  found["version"] = record.version;
  found["options"] = options;
  return found;
}

}  // namespace

void bind_ranking(nb::module_& module) {
  nb::class_<Result>(module, "Report", "What a ranking found; itm_rank.Ranking is what people read.")
      .def(
          "json", [](const Result& result) { return with_record_in_json(to_json(result.report), result.record); },
          "The JSON of `itm rank --format json`.")
      .def(
          "csv", [](const Result& result) { return with_record_in_csv(to_csv(result.report), result.record); },
          "The CSV of `itm rank --format csv`.")
      .def(
          "table", [](const Result& result) { return to_table(result.report, false); }, "The table of `itm rank`.")
      .def(
          "html",
          [](const Result& result, const std::string& title,
             const std::vector<std::pair<std::string, std::string>>& facts) {
            return with_record_in_page(to_html(result.report, {title, facts}), result.record);
          },
          "title"_a, "facts"_a, "The page of `itm rank --html`, with `facts` under its title.")
      .def(
          "changes_since",
          [](const Result& result, const std::filesystem::path& file) {
            return changes_of_data(read_record(file), result.record.data);
          },
          "file"_a, "A sentence for each data set whose files are others than those of an older result.")
      .def_ro("rows", &Result::rows, "Rows of a data set that a time budget allowed; 0: all.");

  module.def("rank_arrays", &rank_arrays, "dataset"_a, "models"_a, "labels"_a.none(), "targets"_a.none(),
             "split"_a.none(), "asked"_a, "truth"_a.none(), "progress"_a.none(),
             "Ranks models whose features lie in memory: (name, [N, D], on_device() of them, logits or "
             "None, source features or None) each.\nExactly one of labels [N] and targets [N, T] is given; split [N]: "
             "1 where a row is held out. "
             "progress(done, total, share, method, model).");
  nb::class_<OnDevice>(module, "OnDevice", "Numbers in the memory of a CUDA device.")
      .def_prop_ro("address", &OnDevice::address, "Of the first.");
  module.def("on_device", &on_device, "tensor"_a, "host"_a,
             "What a tensor has of `host` in the memory of a CUDA device, row after row; else None.");
  module.def("rank_folder", &rank_folder, "asked"_a, "progress"_a.none(),
             "Ranks the models of a folder as `itm rank` does.");
  module.def("read_record", &record_in, "file"_a, "Of a JSON or CSV result: command, version, and option -> values.");
  module.def(
      "write_file",
      [](const std::filesystem::path& file, const std::string& text) { write_file_atomically(file, text); }, "file"_a,
      "text"_a, "Writes a file that is whole or absent.");
}

}  // namespace itm::python
