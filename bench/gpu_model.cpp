// What an iteration of ITM gives a GPU to do, and how long it should take there: the engine itself runs on the host
// that stands in for a device, and every launch is counted with the bytes of device memory that its threads touch and
// the operations of its products. Nothing about the engine is written down here; only the figures of a device are.
//
//   gpu_model [--precision float32|3xtf32|tf32] [--update FILE | --check FILE]
//
// For the paper's zoo: ten models, 8,576 columns in all, B = 256, C = 100. Prints a table in Markdown: for each phase
// launches, levels (launches that wait for each other), megabytes, operations of products, predicted microseconds and,
// where bench/results/gpu has them, measured ones. --update puts that of float32 between the marks in FILE, with the
// sums of 3xtf32; --check fails where launches, levels or operations in FILE are not the engine's.

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/memory_trace.hpp"
#include "core/made_features.hpp"
#include "core/precision_name.hpp"
#include "host_cuda/host_cuda.hpp"
#include "host_cuda/host_device_api.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#include "kernels/zoo_engine.hpp"

namespace {

using itm::Precision;

constexpr std::size_t paper_dims[] = {1024, 1280, 1280, 512, 768, 384, 768, 768, 1024, 768};
constexpr std::size_t paper_rows = 50'000;
constexpr std::size_t paper_iterations = 500;
constexpr std::size_t paper_validations = 5;
constexpr const char* begin_mark = "<!-- gpu_model begin -->\n";
constexpr const char* end_mark = "<!-- gpu_model end -->";
constexpr const char* measured_file = "bench/results/gpu/itm_h100.json";

/// An H100 as bench/results/gpu/itm_h100.json has it. A launch of a graph takes its latency (starting, waiting for the
/// one before it, filling and draining the device), then whichever is longer of its bytes, most of which lie in the L2
/// cache, and its operations at the rate that products of this size reach. Fitted to the phases of the case "paper" and
/// to its iterations with cuBLAS alone, with grouped products and with TF32: within a tenth of each.
struct DeviceFigures {
  double latency = 4.2e-6;
  double bytes = 6.5e12;            ///< a second
  double own_flops = 14.6e12;       ///< a second, grouped_product.cuh; 51e12 is the most that cuBLAS reaches
  double own_tensor_flops = 20e12;  ///< the same with TensorProduct; no GPU has run it
  double library_latency = 5.0e-6;  ///< several shapes side by side
  double library_flops = 18.8e12;
  double library_tf32_flops = 62e12;
  double setup = 2.5e-3;  ///< of a run: recording, uploads, downloads
};
/// Streams that the shapes of a group spread over (cuda_device_api.cu).
constexpr std::size_t library_streams = 7;

struct Event {
  bool library = false;
  bool tensor = false;  ///< a kernel of ours that multiplies on tensor cores
  std::size_t launches = 1;
  double bytes = 0;
  double flops = 0;
};

class Recorder final : public itm::host_cuda::Watch {
 public:
  void kernel(dim3 /*grid*/, dim3 /*block*/, const std::function<void()>& run) override {
    const std::uint64_t before = itm::host_cuda::tensor_instructions();
    itm::trace::begin();
    run();
    const itm::trace::Traffic traffic = itm::trace::end();
    const double flops = api->flops() - counted_;
    counted_ = api->flops();
    const bool tensor = itm::host_cuda::tensor_instructions() != before;
    note({false, tensor, 1, static_cast<double>(traffic.read + traffic.written), flops});
  }
  void products(std::size_t launches, double flops, std::size_t bytes) override {
    note({true, false, launches, static_cast<double>(bytes), flops});
  }
  void allocated(const void* memory, std::size_t bytes) override { itm::trace::add_memory(memory, bytes); }
  void released(const void* memory) override { itm::trace::remove_memory(memory); }

  itm::DeviceApi* api = nullptr;
  bool recording = false;
  std::string phase;
  std::vector<std::string> order;  ///< of phases
  std::map<std::string, std::vector<Event>> events;

 private:
  void note(const Event& event) {
    if (!recording) {
      return;
    }
    if (events.count(phase) == 0) {
      order.push_back(phase);
    }
    events[phase].push_back(event);
  }

  double counted_ = 0;
};

struct Phase {
  std::string name;
  std::size_t launches = 0;
  std::size_t levels = 0;
  double bytes = 0;
  double flops = 0;
  double seconds = 0;
};

double seconds_of(const Event& event, Precision precision) {
  const DeviceFigures device;
  const double own = event.tensor ? device.own_tensor_flops : device.own_flops;
  const double library = precision == Precision::tf32 ? device.library_tf32_flops : device.library_flops;
  const double rate = event.library ? library : own;
  return (event.library ? device.library_latency : device.latency) +
         std::max(event.bytes / device.bytes, event.flops / rate);
}

/// `times`: how much more of everything a launch does where it has more lanes than were run.
Phase phase_of(const std::string& name, std::span<const Event> events, Precision precision, double times = 1) {
  Phase phase{.name = name};
  for (Event event : events) {
    event.bytes *= times;
    event.flops *= times;
    phase.launches += event.launches;
    phase.levels += (event.launches + library_streams - 1) / library_streams;
    phase.bytes += event.bytes;
    phase.flops += event.flops;
    phase.seconds += seconds_of(event, precision);
  }
  return phase;
}

struct Model {
  std::vector<Phase> iteration;
  Phase validation;
};

/// Runs one iteration and one validation of as few rows as there may be. `counting`: computes nothing, so bytes are
/// missing.
Model run_engine(Precision precision, bool counting) {
  namespace host = itm::host_cuda;
  constexpr std::size_t chunk = 256;       // rows of a batch, and of a chunk of validation rows
  constexpr std::size_t rows = 5 * chunk;  // four fifths are trained on
  Recorder recorder;
  host::set_counting_only(counting);
  host::set_watch(&recorder);
  auto api = host::make_host_device_api();
  recorder.api = api.get();
  itm::ZooEngineOptions options;
  std::string outer;
  options.on_phase = [&](const char* name, const std::function<void()>& work) {
    if (!outer.empty()) {  // a validation is one phase, whatever it is made of
      work();
      return;
    }
    outer = name;
    recorder.phase = name;
    recorder.recording = true;
    work();
    recorder.recording = false;
    outer.clear();
  };
  const std::vector<float> pool(rows * *std::max_element(std::begin(paper_dims), std::end(paper_dims)), 0.5F);
  {
    const auto engine = host::make_zoo_engine(std::move(api), options);
    itm::ItmOptions itm;
    itm.iterations = 1;
    itm.precision = precision;
    const itm::Labels labels = itm::made_labels(rows, 100);
    const itm::ItmPlan plan = engine->plan(labels, itm, {});
    std::vector<itm::FeatureStatistics> statistics;
    std::vector<itm::ItmTask> tasks;
    for (const std::size_t dims : paper_dims) {
      statistics.push_back({.shift = std::vector<double>(dims), .scale = std::vector<double>(dims, 1.0)});
    }
    for (std::size_t i = 0; i < std::size(paper_dims); ++i) {
      const std::size_t dims = paper_dims[i];
      itm::ItmTask task;
      task.features = {[&pool, dims] {
                         return itm::Array{"made", itm::DType::f32,
                                           false,  {rows, dims},
                                           false,  reinterpret_cast<const std::byte*>(pool.data()),
                                           nullptr};
                       },
                       std::to_string(i)};
      task.statistics = &statistics[i];
      task.plan = &plan;
      tasks.push_back(std::move(task));
    }
    (void)itm::results_of(engine->run(tasks, itm));
  }
  host::set_watch(nullptr);

  Model model;
  for (const std::string& name : recorder.order) {
    if (name != "validate") {
      model.iteration.push_back(phase_of(name, recorder.events[name], precision));
    }
  }
  // A fifth of the paper's rows in passes of many chunks at once; one chunk a model was run.
  const std::size_t chunks = (paper_rows / 5 + chunk - 1) / chunk;
  const std::size_t passes = (chunks + options.validation_chunks - 1) / options.validation_chunks;
  const Phase pass = phase_of("a validation", recorder.events["validate"], precision,
                              static_cast<double>(chunks) / static_cast<double>(passes));
  model.validation = {.name = pass.name,
                      .launches = pass.launches * passes,
                      .levels = pass.levels * passes,
                      .bytes = pass.bytes * static_cast<double>(passes),
                      .flops = pass.flops * static_cast<double>(passes),
                      .seconds = pass.seconds * static_cast<double>(passes)};
  return model;
}

/// The measured case with the same precision; null where there is none.
nlohmann::json measured_case(Precision precision) {
  std::ifstream file(measured_file);
  if (!file) {
    return nullptr;
  }
  const nlohmann::json all = nlohmann::json::parse(file);
  for (const nlohmann::json& one : all.at("cases")) {
    // The engine records graphs of one iteration; TF32 was measured with four.
    const std::string wanted = precision == Precision::float32 ? "graphs of 1" : std::string(itm::name_of(precision));
    if (one.at("case") == "paper, " + wanted) {
      nlohmann::json found = one;
      found["phases"] = all.at("cases").at(0).value("phases_outside_graphs_ms", nlohmann::json::object());
      return found;
    }
  }
  return nullptr;
}

std::string row(const Phase& phase, const std::string& measured) {
  return fmt::format("| {} | {} | {} | {:.2f} | {:.0f} | {:.1f} | {} |\n", phase.name, phase.launches, phase.levels,
                     phase.bytes / 1e6, phase.flops / 1e6, phase.seconds * 1e6, measured);
}

/// What of a row is the engine's alone.
std::string structure(const Phase& phase) {
  return fmt::format("{}: {} launches, {} levels, {:.0f} MFLOP", phase.name, phase.launches, phase.levels,
                     phase.flops / 1e6);
}

Phase sum_of(const std::string& name, std::span<const Phase> phases) {
  Phase all{.name = name};
  for (const Phase& phase : phases) {
    all.launches += phase.launches;
    all.levels += phase.levels;
    all.bytes += phase.bytes;
    all.flops += phase.flops;
    all.seconds += phase.seconds;
  }
  return all;
}

std::vector<Phase> rows_of(const Model& model) {
  std::vector<Phase> rows = model.iteration;
  rows.push_back(sum_of("an iteration", model.iteration));
  rows.push_back(model.validation);
  return rows;
}

/// The sums of a model in another precision.
std::vector<Phase> sums_of(const Model& model, Precision precision) {
  std::vector<Phase> rows{sum_of("an iteration", model.iteration), model.validation};
  for (Phase& row : rows) {
    row.name += ", " + std::string(itm::name_of(precision));
  }
  return rows;
}

double predicted_ms(const Model& model) {
  const double iteration = sum_of("", model.iteration).seconds;
  return (paper_iterations * iteration + paper_validations * model.validation.seconds + DeviceFigures{}.setup) * 1e3;
}

/// `split`: the same in 3xTF32, or null.
std::string table(const Model& model, Precision precision, const Model* split) {
  const nlohmann::json measured = measured_case(precision);
  const auto phase_measured = [&](const std::string& name) {
    const std::string key = name == "a validation" ? "validate" : name;
    return measured.is_null() || precision != Precision::float32 || !measured["phases"].contains(key)
               ? std::string("-")
               : fmt::format("{:.1f}", measured["phases"][key].get<double>() * 1e3);
  };
  std::string text =
      "| phase | launches | levels | MB | MFLOP | predicted, us | measured, us |\n| --- | ---: | ---: | ---: | ---: | "
      "---: | ---: |\n";
  for (const Phase& phase : rows_of(model)) {
    text += row(phase, phase_measured(phase.name));
  }
  if (split != nullptr) {
    for (const Phase& phase : sums_of(*split, Precision::tf32x3)) {
      text += row(phase, "-");
    }
  }
  text += fmt::format("\nA run, {} iterations, {} validations and {:.1f} ms besides: {:.1f} ms predicted",
                      paper_iterations, paper_validations, DeviceFigures{}.setup * 1e3, predicted_ms(model));
  if (!measured.is_null()) {
    text += fmt::format(", {:.1f} ms measured", measured.at("milliseconds").get<double>());
  }
  if (split != nullptr) {
    text += fmt::format("; with 3xtf32 {:.1f} ms predicted, not measured", predicted_ms(*split));
  }
  return text + ".\n";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw itm::InputError(path + ": cannot be read");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Between the marks of a file: where the text begins, and its length.
std::pair<std::size_t, std::size_t> marked(const std::string& path, const std::string& text) {
  const std::size_t begin = text.find(begin_mark);
  const std::size_t end = text.find(end_mark);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    throw itm::InputError(path + ": has no lines \"<!-- gpu_model begin -->\" and \"<!-- gpu_model end -->\"");
  }
  const std::size_t first = begin + std::string(begin_mark).size();
  return {first, end - first};
}

/// Whether the table in a file has these rows and no others.
bool check(const std::string& path, const std::vector<Phase>& rows) {
  const std::string text = read_file(path);
  const auto [first, length] = marked(path, text);
  std::string said = text.substr(first, length);
  bool same = true;
  for (const Phase& phase : rows) {
    const std::string start = fmt::format("| {} | {} | {} | ", phase.name, phase.launches, phase.levels);
    const std::string flops = fmt::format(" | {:.0f} | ", phase.flops / 1e6);
    const std::size_t at = said.find(start);
    const bool found =
        at != std::string::npos && said.substr(at, said.find('\n', at) - at).find(flops) != std::string::npos;
    if (!found) {
      fmt::print("{}: the engine has {}\n", path, structure(phase));
    }
    same = same && found;
  }
  const auto lines = static_cast<std::size_t>(std::count(said.begin(), said.end(), '|')) / 8;
  if (lines != rows.size() + 2) {
    fmt::print("{}: has {} rows, the engine {}\n", path, lines - 2, rows.size());
    same = false;
  }
  fmt::print("{}\n", same ? path + " says what the engine does" : path + ": run gpu_model --update " + path);
  return same;
}

int run(std::span<char*> arguments) {
  Precision precision = Precision::float32;
  std::string update;
  std::string checked;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string argument = arguments[i];
    const bool valued = i + 1 < arguments.size();
    if (argument == "--precision" && valued) {
      const std::string named = arguments[++i];
      const Precision choices[] = {Precision::float32, Precision::tf32x3, Precision::tf32};
      const auto* found = std::find_if(std::begin(choices), std::end(choices),
                                       [&](Precision choice) { return itm::name_of(choice) == named; });
      if (found == std::end(choices)) {
        throw itm::InputError(named + ": is none of float32, 3xtf32 and tf32");
      }
      precision = *found;
    } else if (argument == "--update" && valued) {
      update = arguments[++i];
    } else if (argument == "--check" && valued) {
      checked = arguments[++i];
    } else {
      throw itm::InputError(argument +
                            ": is no option; usage: gpu_model [--precision float32|3xtf32|tf32] "
                            "[--update FILE | --check FILE]");
    }
  }
  const bool document = !update.empty() || !checked.empty();
  if (document && precision != Precision::float32) {
    throw itm::InputError("--precision: a document has float32 and 3xtf32; leave it out");
  }
  const bool counting = !checked.empty();
  const Model model = run_engine(precision, counting);
  const Model split = document ? run_engine(Precision::tf32x3, counting) : Model{};
  if (counting) {
    std::vector<Phase> rows = rows_of(model);
    const std::vector<Phase> more = sums_of(split, Precision::tf32x3);
    rows.insert(rows.end(), more.begin(), more.end());
    return check(checked, rows) ? 0 : 1;
  }
  const std::string text = table(model, precision, document ? &split : nullptr);
  fmt::print("{}", text);
  if (!update.empty()) {
    std::string file = read_file(update);
    const auto [first, length] = marked(update, file);
    file.replace(first, length, text);
    std::ofstream(update) << file;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments, static_cast<std::size_t>(count)});
  } catch (const itm::Error& error) {
    fmt::print(stderr, "gpu_model: {}\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    fmt::print(stderr, "gpu_model: {}\n", error.what());
    return 1;
  }
}
