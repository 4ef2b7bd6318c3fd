// `itm synth`: a made zoo of any size whose true order is known.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/made_features.hpp"
#include "core/philox.hpp"
#include "core/text.hpp"
#include "core/work_pool.hpp"
#include "io/atomic_file.hpp"
#include "io/npy_header.hpp"
#include "io/temporary.hpp"
#include "itm/array.hpp"
#include "itm/report.hpp"
#include "report/agreement_json.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

struct Dims {
  std::size_t low = 128;
  std::size_t high = 128;
};

struct SynthArguments {
  fs::path directory;
  std::size_t models = 12;
  std::size_t rows = 1000;
  Dims dims;
  std::size_t classes = 10;
  std::size_t datasets = 1;
  bool half = false;
};

constexpr std::size_t most_dims = 1'000'000;

/// Distance of a class mean from the origin, in standard deviations of the noise: from easy to nearly hopeless.
constexpr double best_separation = 5.0;
constexpr double worst_separation = 0.5;

/// One model of the made zoo; models are kept best first.
struct MadeModel {
  std::string name;
  double separation;
  double accuracy;  ///< what the truth file says, in percent
  std::size_t dims;
};

/// Numbers 0..count-1 in a seeded order that is not the alphabetical one.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::uint64_t stream = philox::stream_id("synth/names");
  std::vector<std::uint64_t> key(count);
  for (std::size_t i = 0; i < count; ++i) {
    key[i] = philox::draw64(seed, stream, i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  if (count > 1 && std::is_sorted(order.begin(), order.end())) {
    std::rotate(order.begin(), order.begin() + 1, order.end());
  }
  return order;
}

std::vector<MadeModel> make_models(const SynthArguments& o, std::uint64_t seed) {
  const std::vector<std::size_t> number = shuffled(o.models, seed);
  const auto digits = std::to_string(o.models - 1).size();
  std::vector<MadeModel> models;
  for (std::size_t i = 0; i < o.models; ++i) {
    const double quality = o.models == 1 ? 1.0 : 1.0 - static_cast<double>(i) / static_cast<double>(o.models - 1);
    const double drawn = philox::uniform(seed, philox::stream_id("synth/dims"), i);
    models.push_back(
        {fmt::format("net{:0{}}", number[i], digits), worst_separation + quality * (best_separation - worst_separation),
         40 + 55 * quality,
         o.dims.low + static_cast<std::size_t>(drawn * static_cast<double>(o.dims.high - o.dims.low + 1))});
  }
  return models;
}

/// Nearest binary16, ties to even. The values made here are far from its largest, 65,504.
std::uint16_t half_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16U) & 0x8000U);
  const float size = std::abs(value);
  if (size < 0x1p-14F) {  // subnormal: multiples of 2^-24
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(size * 0x1p24F)));
  }
  const std::uint32_t magnitude = (bits & 0x7FFFFFFFU) - (112U << 23U);
  const std::uint32_t rounded = magnitude + 0x0FFFU + ((magnitude >> 13U) & 1U);
  return static_cast<std::uint16_t>(sign | (rounded >> 13U));
}

/// Files of this run. Unless keep() is reached they are removed again: half a zoo is worse than none.
class WrittenFiles {
 public:
  WrittenFiles() = default;
  WrittenFiles(const WrittenFiles&) = delete;
  WrittenFiles& operator=(const WrittenFiles&) = delete;
  ~WrittenFiles() {
    files_.clear();
    while (!folders_.empty()) {
      folders_.pop_back();
    }
  }
  void add(const fs::path& file) {
    const std::lock_guard lock(guard_);
    files_.emplace_back(file);
  }
  /// Creates a folder and its parents where they are missing.
  void create_folder(const fs::path& folder) {
    std::vector<fs::path> missing;
    for (fs::path at = fs::absolute(folder).lexically_normal(); !fs::exists(at); at = at.parent_path()) {
      missing.push_back(at);
    }
    for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
      if (at->has_filename()) {
        fs::create_directory(*at);
        folders_.emplace_back(*at, io::Temporary::Kind::empty_folder);
      }
    }
  }
  void keep() {
    for (std::vector<io::Temporary>* all : {&files_, &folders_}) {
      std::for_each(all->begin(), all->end(), [](io::Temporary& one) { one.keep(); });
    }
  }

 private:
  std::mutex guard_;
  std::vector<io::Temporary> files_;
  std::vector<io::Temporary> folders_;  ///< parents first
};

std::string dataset_name(std::size_t index) { return fmt::format("task{}", index + 1); }

/// write_npy for float16, which C++20 has no type for.
void write_half_npy(const fs::path& file, const std::vector<float>& values, std::span<const std::size_t> shape) {
  const std::string header = io::npy_header("<f2", shape);
  std::vector<std::uint16_t> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(), half_of);
  io::AtomicFile out(file);
  out.write(std::as_bytes(std::span(header)));
  out.write(std::as_bytes(std::span(halves)));
  out.commit();
}

void write_pair(const SynthArguments& o, const MadeModel& model, const std::string& dataset, std::uint64_t seed,
                WrittenFiles& written) {
  const std::string stem = model.name + "_" + dataset;
  const fs::path feature = o.directory / (stem + "_feature.npy");
  const fs::path label = o.directory / (stem + "_label.npy");
  // Class means have the length `separation` in units of the noise, whatever the width.
  const std::string name = "synth/" + model.name + "/" + dataset;
  const std::vector<float> values = make_features(
      {o.rows, model.dims, o.classes, model.separation / std::sqrt(static_cast<double>(model.dims)), seed, name});
  const std::size_t shape[] = {o.rows, model.dims};
  const Labels made = made_labels(o.rows, o.classes);
  const std::vector<std::int64_t> labels(made.values.begin(), made.values.end());
  if (o.half) {
    write_half_npy(feature, values, shape);
  } else {
    write_npy<float>(feature, values, shape);
  }
  written.add(feature);
  write_npy<std::int64_t>(label, labels, std::span(shape, 1));
  written.add(label);
}

std::string truth_csv(const SynthArguments& o, std::vector<MadeModel> models) {
  std::sort(models.begin(), models.end(), [](const MadeModel& a, const MadeModel& b) { return a.name < b.name; });
  std::string csv = "model";
  for (std::size_t d = 0; d < o.datasets; ++d) {
    csv += "," + dataset_name(d);
  }
  csv += "\n";
  for (const MadeModel& model : models) {
    csv += model.name;
    for (std::size_t d = 0; d < o.datasets; ++d) {
      csv += fmt::format(",{:.6g}", model.accuracy);
    }
    csv += "\n";
  }
  return csv;
}

void check(const SynthArguments& o, bool force) {
  if (o.rows < 2 * o.classes) {
    throw InputError(fmt::format("--rows {}: {} classes need at least {} rows; pass more rows or fewer classes", o.rows,
                                 o.classes, 2 * o.classes));
  }
  std::error_code ignored;
  if (fs::exists(o.directory, ignored) && !fs::is_directory(o.directory, ignored)) {
    throw InputError(fmt::format("{}: is a file; name a folder", path_text(o.directory)));
  }
  if (!force && fs::is_directory(o.directory, ignored) && !fs::is_empty(o.directory, ignored)) {
    throw InputError(fmt::format("{}: is not empty; name another folder or pass --force", path_text(o.directory)));
  }
}

std::string summary(const SynthArguments& o, const std::vector<MadeModel>& models, const Context& context) {
  if (context.format() == Format::csv) {
    return truth_csv(o, models);
  }
  if (context.format() == Format::json) {
    nlohmann::ordered_json json{{"schema", "itm.synth/1"},
                                {"directory", o.directory.string()},
                                {"datasets", o.datasets},
                                {"rows", o.rows},
                                {"classes", o.classes},
                                {"seed", context.seed},
                                {"models_best_first", nlohmann::ordered_json::array()}};
    for (const MadeModel& model : models) {
      json["models_best_first"].push_back({{"model", model.name}, {"dims", model.dims}, {"truth", model.accuracy}});
    }
    return dump(json);
  }
  const std::string directory = path_text(o.directory);
  return fmt::format("{}: {} model{}, {} data set{} of {} rows, {} classes; best: {}\nitm rank {} --truth {}\n",
                     directory, with_commas(o.models), o.models == 1 ? "" : "s", with_commas(o.datasets),
                     o.datasets == 1 ? "" : "s", with_commas(o.rows), with_commas(o.classes),
                     context.paint().good(models.front().name), directory, path_text(o.directory / "ground_truth.csv"));
}

ExitStatus synth(const SynthArguments& o, const Context& context) {
  check(o, context.force());
  const std::vector<MadeModel> models = make_models(o, context.seed);
  WrittenFiles written;
  written.create_folder(o.directory);
  {
    const auto bar = context.progress("writing");
    std::mutex guard;
    std::size_t done = 0;
    const std::size_t total = models.size() * o.datasets;
    for_each_unit(total, context.threads, [&](std::size_t unit) {
      if (cancelled()) {
        throw Interrupted();
      }
      write_pair(o, models[unit / o.datasets], dataset_name(unit % o.datasets), context.seed, written);
      const std::lock_guard lock(guard);
      bar->update(++done, total);
    });
  }
  const fs::path truth = o.directory / "ground_truth.csv";
  write_file_atomically(truth, truth_csv(o, models));
  written.add(truth);
  if (cancelled()) {
    throw Interrupted();
  }
  written.keep();  // whatever becomes of the summary
  say_when_interrupted(fmt::format("interrupted; {} was written before", path_text(o.directory)));
  context.write(summary(o, models, context));
  return ExitStatus::success;
}

/// "128" or "64:2048".
void read_dims(const std::string& text, Dims& dims) {
  const std::string name = "--dims";
  const std::size_t colon = text.find(':');
  dims.low = detail::parse<std::size_t>(name, text.substr(0, colon), 1, most_dims);
  dims.high = colon == std::string::npos
                  ? dims.low
                  : detail::parse<std::size_t>(name, text.substr(colon + 1), dims.low, most_dims);
}

}  // namespace

Command synth_command() {
  return {
      "synth", "Make a zoo of any size whose true order is known", [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<SynthArguments>();
        app.add_option("directory", o->directory, "Folder to write; created where it is missing")
            ->required()
            ->type_name("");
        add_number<std::size_t>(app, "--models", o->models, 1, 100'000, "Models");
        add_number<std::size_t>(app, "--rows", o->rows, 10, 1'000'000'000, "Rows per data set");
        app.add_option(
               "--dims",
               [o](const CLI::results_t& texts) {
                 read_dims(texts.at(0), o->dims);
                 return true;
               },
               "Columns, or a range to draw each model's from")
            ->type_name("N|A:B")
            ->default_str("128");
        add_number<std::size_t>(app, "--classes", o->classes, 2, 1'000'000, "Classes");
        add_number<std::size_t>(app, "--datasets", o->datasets, 1, 10'000, "Data sets");
        add_choice<bool>(app, "--dtype", o->half, {{"float32", false}, {"float16", true}}, "Type of features");
        app.footer(
            "Examples:\n"
            "  itm synth /tmp/zoo\n"
            "  itm synth /tmp/big --models 100 --rows 50000 --dims 384:2048 --classes 100 --dtype float16\n"
            "\n"
            "Features are class means plus noise. The means of better models lie further apart; names do not tell.\n"
            "ground_truth.csv holds the true order.");
        return [o, &context] { return synth(*o, context); };
      }};
}

}  // namespace itm::cli
