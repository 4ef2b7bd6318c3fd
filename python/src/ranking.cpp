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
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <tuple>
#include <utility>

#include "array_view.hpp"
#include "itm/all.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace itm::python {
namespace {

using Settings = std::vector<std::pair<std::string, SettingValue>>;
/// Name, features, source logits, features of source images.
using Model = std::tuple<std::string, AnyArray, std::optional<AnyArray>, std::optional<AnyArray>>;
using LabelArray = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
/// Name of a model -> accuracy in percent.
using Truth = std::map<std::string, double>;

Backend backend_of(const std::string& word) {
  if (word == "auto" || word == "cpu" || word == "cuda") {
    return word == "auto" ? Backend::automatic : word == "cpu" ? Backend::cpu : Backend::cuda;
  }
  throw InputError("device: \"" + word + "\" is not one of auto|cpu|cuda");
}

RankOptions options_of(const std::vector<std::string>& methods, const Settings& settings, std::uint64_t seed,
                       int threads, const std::string& device, bool keep_going) {
  if (threads < 1 || threads > 1024) {
    throw InputError("threads: " + std::to_string(threads) + " is not a whole number from 1 to 1,024");
  }
  if (methods.empty()) {
    throw InputError("methods: names none; pass \"itm\", several names or \"all\"");
  }
  RankOptions options;
  options.method = MethodList(methods);
  for (const auto& [name, value] : settings) {
    apply_setting(options, name, value);
  }
  options.seed = seed;
  options.threads = threads;
  options.device = backend_of(device);
  options.keep_going = keep_going;
  return options;
}

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
        progress(latest->done, latest->total, latest->work, latest->method, latest->model);
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

RankReport rank_arrays(const std::string& dataset, const std::vector<Model>& models,
                       const std::optional<LabelArray>& labels, const std::optional<AnyArray>& targets,
                       const std::vector<std::string>& methods, const Settings& settings, std::uint64_t seed,
                       int threads, const std::string& device, bool keep_going, const std::optional<Truth>& truth,
                       std::size_t bootstrap, const nb::object& progress) {
  Dataset made = labels ? Dataset(dataset, std::span(labels->data(), labels->shape(0)))
                        : Dataset(dataset, view_of(targets.value(), "targets of " + dataset));
  for (const auto& [name, features, output, source] : models) {
    made.add(name, view_of(features, name), extras_of(name, output, source));
  }
  RankReport report = watched(options_of(methods, settings, seed, threads, device, keep_going), progress,
                              [&](const RankOptions& options) { return rank(made, options); });
  if (truth) {
    GroundTruth known;
    known.file = "truth";
    known.datasets = {dataset};
    known.accuracy[dataset] = *truth;
    for (const auto& [model, accuracy] : *truth) {
      known.models.push_back(model);
    }
    add_agreement(report, known, {bootstrap, 0.95, seed});
  }
  return report;
}

RankReport rank_folder(const std::filesystem::path& folder, const std::vector<std::string>& datasets,
                       const std::vector<std::string>& methods, const Settings& settings, std::uint64_t seed,
                       int threads, const std::string& device, bool keep_going,
                       const std::optional<std::filesystem::path>& truth, std::size_t bootstrap,
                       const nb::object& progress) {
  RankOptions asked = options_of(methods, settings, seed, threads, device, keep_going);
  asked.datasets = datasets;
  std::optional<GroundTruth> known;
  std::vector<std::string> names = datasets;
  if (truth) {
    known = read_ground_truth(*truth);
    names.insert(names.end(), known->datasets.begin(), known->datasets.end());
  }
  const Zoo zoo = discover_zoo(folder, {.datasets = names});
  for (const std::string& dataset : datasets) {
    (void)zoo.entries(dataset);  // says which there are when this is none of them
  }
  RankReport report =
      watched(std::move(asked), progress, [&](const RankOptions& options) { return rank_zoo(zoo, options); });
  if (known) {
    add_agreement(report, *known, {bootstrap, 0.95, seed});
  }
  return report;
}

}  // namespace

void bind_ranking(nb::module_& module) {
  nb::class_<RankReport>(module, "Report", "What a ranking found; itm_rank.Ranking is what people read.")
      .def(
          "json", [](const RankReport& report) { return to_json(report); }, "The JSON of `itm rank --format json`.")
      .def(
          "csv", [](const RankReport& report) { return to_csv(report); }, "The CSV of `itm rank --format csv`.")
      .def(
          "table", [](const RankReport& report) { return to_table(report, false); }, "The table of `itm rank`.")
      .def(
          "html",
          [](const RankReport& report, const std::string& title,
             const std::vector<std::pair<std::string, std::string>>& facts) {
            return to_html(report, {title, facts});
          },
          "title"_a, "facts"_a, "The page of `itm rank --html`, with `facts` under its title.");

  module.def(
      "rank_arrays", &rank_arrays, "dataset"_a, "models"_a, "labels"_a.none(), "targets"_a.none(), "methods"_a,
      "settings"_a, "seed"_a, "threads"_a, "device"_a, "keep_going"_a, "truth"_a.none(), "bootstrap"_a,
      "progress"_a.none(),
      "Ranks models whose features lie in memory: (name, [N, D], logits or None, source features or None) each.\n"
      "Exactly one of labels [N] and targets [N, T] is given. progress(done, total, share, method, model).");
  module.def("rank_folder", &rank_folder, "folder"_a, "datasets"_a, "methods"_a, "settings"_a, "seed"_a, "threads"_a,
             "device"_a, "keep_going"_a, "truth"_a.none(), "bootstrap"_a, "progress"_a.none(),
             "Ranks the models of a folder as `itm rank` does.");
  module.def(
      "write_file",
      [](const std::filesystem::path& file, const std::string& text) { write_file_atomically(file, text); }, "file"_a,
      "text"_a, "Writes a file that is whole or absent.");
}

}  // namespace itm::python
