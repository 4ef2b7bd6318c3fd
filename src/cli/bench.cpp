// `itm bench paper`: seconds per model at the shapes of the paper's ten data sets, beside the paper's wall-clock row.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/made_features.hpp"
#include "device/blas.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "report/csv_field.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

/// Training rows and classes of the paper's data sets, and Table 1's wall-clock seconds for ITM.
struct PaperDataset {
  const char* name;
  std::size_t rows;
  std::size_t classes;
  double paper_seconds;
};
constexpr PaperDataset paper_datasets[] = {{"Caltech-101", 3'060, 102, 7.50}, {"Cars", 8'144, 196, 8.50},
                                           {"CIFAR-100", 50'000, 100, 9.40},  {"CIFAR-10", 50'000, 10, 7.90},
                                           {"DTD", 3'760, 47, 7.00},          {"Aircraft", 6'667, 100, 7.50},
                                           {"Flowers", 2'040, 102, 7.20},     {"Food-101", 75'750, 101, 10.5},
                                           {"Pets", 3'680, 37, 7.20},         {"SUN397", 19'850, 397, 11.5}};

/// Feature widths of the paper's ten models.
constexpr std::size_t paper_dims[] = {1024, 1280, 1280, 512, 768, 384, 768, 768, 1024, 768};

struct BenchOptions {
  std::string suite;
  std::size_t models = std::size(paper_dims);
  std::size_t iterations = 500;
  EngineOptions engine;
};

/// A folder for one made model at a time, removed with the object.
class Workshop {
 public:
  Workshop() {
    std::string pattern = (fs::temp_directory_path() / "itm-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw InputError(fmt::format("{}: cannot be created; set TMPDIR to a writable folder", path_text(pattern)));
    }
    folder_ = pattern;
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  /// Writes one model; returns the zoo that holds it alone.
  [[nodiscard]] Zoo stock(const PaperDataset& dataset, std::size_t dims, std::uint64_t seed) const {
    const Labels labels = made_labels(dataset.rows, dataset.classes);
    const std::vector<std::int64_t> wide(labels.values.begin(), labels.values.end());
    const std::size_t shape[] = {dataset.rows, dims};
    write_npy<float>(folder_ / "model_made_feature.npy",
                     make_features({dataset.rows, dims, dataset.classes, 0.15, seed, "bench"}), shape);
    write_npy<std::int64_t>(folder_ / "model_made_label.npy", wide, std::span(shape, 1));
    return discover_zoo(folder_);
  }

 private:
  fs::path folder_;
};

struct Measured {
  PaperDataset dataset;
  std::vector<double> seconds;  ///< one per model
  [[nodiscard]] double total() const { return std::accumulate(seconds.begin(), seconds.end(), 0.0); }
  [[nodiscard]] double mean() const { return total() / static_cast<double>(seconds.size()); }
};

std::vector<Measured> measure(const BenchOptions& options, const Context& context,
                              const std::shared_ptr<ItmEngine>& engine) {
  const Workshop workshop;
  const auto progress = context.progress("measuring");
  std::vector<Measured> all;
  std::size_t done = 0;
  for (const PaperDataset& dataset : paper_datasets) {
    Measured m{dataset, {}};
    for (std::size_t i = 0; i < options.models; ++i) {
      const Zoo zoo = workshop.stock(dataset, paper_dims[i], context.seed + i);
      RankOptions rank;
      rank.method.itm.iterations = options.iterations;
      rank.method.itm.seed = context.seed;
      rank.method.engine = engine;
      rank.method.cancelled = [] { return cancelled(); };
      const auto start = std::chrono::steady_clock::now();
      (void)rank_zoo(zoo, rank);
      m.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      progress->update(++done, std::size(paper_datasets) * options.models);
    }
    all.push_back(std::move(m));
  }
  return all;
}

std::string as_json(const BenchOptions& options, const std::vector<Measured>& all, const std::string& device) {
  nlohmann::json json{{"schema", "itm.bench/1"},          {"suite", options.suite}, {"method", "itm"}, {"threads", 1},
                      {"iterations", options.iterations}, {"device", device}};
  for (const Measured& m : all) {
    nlohmann::json models = nlohmann::json::array();
    for (std::size_t i = 0; i < m.seconds.size(); ++i) {
      models.push_back({{"dims", paper_dims[i]}, {"seconds", m.seconds[i]}});
    }
    json["datasets"].push_back({{"dataset", m.dataset.name},
                                {"rows", m.dataset.rows},
                                {"classes", m.dataset.classes},
                                {"seconds_per_model", m.mean()},
                                {"seconds_all_models", m.total()},
                                {"paper_seconds", m.dataset.paper_seconds},
                                {"models", std::move(models)}});
  }
  return json.dump(2) + "\n";
}

std::string as_csv(const std::vector<Measured>& all) {
  std::string csv = "dataset,rows,classes,models,seconds_per_model,seconds_all_models,paper_seconds\n";
  for (const Measured& m : all) {
    csv += fmt::format("{},{},{},{},{},{},{}\n", csv_field(m.dataset.name), m.dataset.rows, m.dataset.classes,
                       m.seconds.size(), m.mean(), m.total(), m.dataset.paper_seconds);
  }
  return csv;
}

std::string as_table(const std::vector<Measured>& all, const std::string& device, Paint paint) {
  TextTable table({{"data set", TextTable::Align::left}, {"N"}, {"C"}, {"s per model"}, {"s all models"}, {"paper s"}});
  double mean = 0;
  double total = 0;
  double paper = 0;
  const auto count = static_cast<double>(all.size());
  for (const Measured& m : all) {
    table.add({m.dataset.name, with_commas(m.dataset.rows), fmt::to_string(m.dataset.classes),
               fmt::format("{:.2f}", m.mean()), fmt::format("{:.2f}", m.total()),
               fmt::format("{:.2f}", m.dataset.paper_seconds)});
    mean += m.mean() / count;
    total += m.total() / count;
    paper += m.dataset.paper_seconds / count;
  }
  table.add(
      {"average", "", "", fmt::format("{:.2f}", mean), fmt::format("{:.2f}", total), fmt::format("{:.2f}", paper)},
      TextTable::Style::bold);
  return table.text(paint) +
         fmt::format("ITM, {} models of made features per data set, one thread, file reading included; {}\n",
                     all.front().seconds.size(), device);
}

ExitStatus bench(const BenchOptions& options, const Context& context) {
  const std::shared_ptr<ItmEngine> engine = context.engine(options.engine);
  const std::string device = engine ? engine->device() : blas::description();
  const std::vector<Measured> all = measure(options, context, engine);
  switch (context.format()) {
    case Format::json:
      context.write(as_json(options, all, device));
      break;
    case Format::csv:
      context.write(as_csv(all));
      break;
    case Format::table:
      context.write(as_table(all, device, context.paint()));
      break;
  }
  return ExitStatus::success;
}

}  // namespace

Command bench_command() {
  return {"bench", "Measure seconds at the shapes of the paper's ten data sets",
          [](CLI::App& app, Context& context) -> Action {
            auto options = std::make_shared<BenchOptions>();
            options->suite = "paper";
            add_choice<std::string>(app, "suite", options->suite, {{"paper", "paper"}}, "Which shapes")->required();
            add_number<std::size_t>(app, "--models", options->models, 1, std::size(paper_dims),
                                    "How many of the paper's ten feature widths");
            add_number<std::size_t>(app, "--iterations", options->iterations, 1, 100'000, "Training iterations");
            add_engine_options(app, options->engine);
            app.footer(
                "Makes features in the temporary folder (TMPDIR), one model at a time and at most 390 MB, and ranks "
                "them on one\n"
                "thread. Features are made, so scores mean nothing; times do.\n\n"
                "Examples:\n"
                "  itm bench paper\n"
                "  itm bench paper --models 1 --format json --out bench.json");
            return [options, &context] { return bench(*options, context); };
          }};
}

}  // namespace itm::cli
