// `itm bench paper`: seconds per model of every method at the shapes of the paper's ten data sets, beside the
// wall-clock rows of the paper's Table 1.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "cli/bench_zoo.hpp"
#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/names.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "linalg/blas.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/json_number.hpp"
#include "report/paper/tables.hpp"
#include "report/result_grid.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

using Json = nlohmann::ordered_json;
using paper::Dataset;
using paper::Model;

constexpr double quick_limit = 10;  ///< seconds per model that --quick allows

struct BenchArguments {
  std::string suite = "paper";
  std::vector<std::string> methods{"all"};
  std::vector<std::string> datasets;
  std::size_t models = 1;
  std::size_t iterations = 500;
  std::optional<std::size_t> rows_limit;
  bool quick = false;
  EngineOptions engine;
};

/// Seconds of all models on one data set; nothing where a method was left out or could not run.
struct Cell {
  std::optional<double> cpu;
  std::optional<double> gpu;
};

struct Measured {
  Dataset dataset;  ///< with the rows that were used
  std::map<std::string, Cell> methods;
};

struct Bench {
  std::vector<std::string> methods;
  std::vector<Model> models;
  std::vector<Measured> datasets;
  std::string cpu;
  std::string gpu;  ///< empty: none
};

// ---- What to run ----------------------------------------------------------------------------------------------------

std::vector<std::string> chosen_methods(const BenchArguments& o) {
  std::vector<std::string> names;
  for (const std::string& name : o.methods) {
    if (name == "all") {
      std::transform(estimators().begin(), estimators().end(), std::back_inserter(names),
                     [](const Estimator& estimator) { return estimator.name; });
    } else {
      names.push_back(find_estimator(name).name);
    }
  }
  return each_once(names);
}

/// The one with the paper's most frequent width, 768, then the others in the paper's order.
std::vector<Model> chosen_models(const BenchArguments& o) {
  std::vector<Model> models = paper::models();
  std::stable_partition(models.begin(), models.end(), [](const Model& model) { return model.name == "DINO-B16"; });
  models.resize(o.models);
  return models;
}

std::vector<Dataset> chosen_datasets(const BenchArguments& o) {
  std::vector<Dataset> all;
  for (const std::string& name : o.datasets) {
    const Dataset* found = paper::find_dataset(name);
    if (found == nullptr) {
      std::vector<std::string> names;
      std::transform(paper::datasets().begin(), paper::datasets().end(), std::back_inserter(names),
                     [](const Dataset& d) { return d.name; });
      throw InputError(fmt::format("--dataset {}: the paper has none of that name; it has {}", in_quotes(name),
                                   fmt::join(names, ", ")));
    }
    all.push_back(*found);
  }
  if (all.empty()) {
    all = paper::datasets();
  }
  for (Dataset& dataset : all) {
    dataset.rows = std::max(std::min(dataset.rows, o.rows_limit.value_or(dataset.rows)), 2 * dataset.classes);
  }
  return all;
}

/// About how long one model takes: tells seconds from minutes.
double estimated_seconds(const std::string& method, const Dataset& dataset, std::size_t dims, std::size_t iterations) {
  RankOptions options;
  options.itm.iterations = iterations;
  Workload work;
  work.rows = static_cast<double>(dataset.rows);
  work.classes = static_cast<double>(dataset.classes);
  work.dims = static_cast<double>(dims);
  work.bytes = work.rows * work.dims * sizeof(float);
  return find_estimator(method).cost_of(work, options).seconds;
}

/// Says before hours of work that they will be hours, and what makes them.
void announce(const BenchArguments& o, const Bench& bench, const std::vector<Dataset>& datasets,
              const std::function<bool(const std::string&, const Dataset&)>& runs) {
  std::map<std::string, double> of_method;
  double total = 0;
  for (const Dataset& dataset : datasets) {
    for (const std::string& method : bench.methods) {
      for (const Model& model : bench.models) {
        const double seconds =
            runs(method, dataset) ? estimated_seconds(method, dataset, model.dims, o.iterations) : 0.0;
        of_method[method] += seconds;
        total += seconds;
      }
    }
  }
  const auto slowest = std::max_element(of_method.begin(), of_method.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  if (total > 120) {
    spdlog::warn("about {:.0f} minutes in all, {:.0f} of them {}{}", total / 60, slowest->second / 60, slowest->first,
                 o.quick ? "" : "; --quick leaves out what takes long, --rows-limit cuts the data sets");
  }
}

// ---- Measuring ------------------------------------------------------------------------------------------------------

/// Wall-clock seconds of ranking the zoo's one data set on one thread, files included.
double time_ranking(const Zoo& zoo, const std::string& method, const BenchArguments& o, const Context& context,
                    const std::shared_ptr<ItmEngine>& engine) {
  RankOptions rank;
  rank.method = method;
  rank.itm.iterations = o.iterations;
  rank.seed = context.seed;
  rank.engine = engine;
  rank.device = engine ? Backend::automatic : Backend::cpu;
  rank.cancelled = cancelled;
  const auto start = std::chrono::steady_clock::now();
  (void)rank_zoo(zoo, rank);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Adds the time of one group of models.
void measure_cell(Cell& cell, const Zoo& zoo, const std::string& method, const BenchArguments& o,
                  const Context& context, const std::shared_ptr<ItmEngine>& engine) {
  cell.cpu = cell.cpu.value_or(0) + time_ranking(zoo, method, o, context, nullptr);
  if (engine && find_estimator(method).on_gpu) {
    cell.gpu = cell.gpu.value_or(0) + time_ranking(zoo, method, o, context, engine);
  }
}

Inputs inputs_of(const std::vector<std::string>& methods) {
  Inputs all;
  for (const std::string& method : methods) {
    const Inputs& one = find_estimator(method).inputs;
    all.output = all.output || one.output;
    all.source = all.source || one.source;
  }
  return all;
}

Bench measure(const BenchArguments& o, const Context& context) {
  Bench bench;
  bench.methods = chosen_methods(o);
  bench.models = chosen_models(o);
  const std::vector<Dataset> datasets = chosen_datasets(o);
  const auto engine = context.engine(o.engine);
  bench.cpu = blas::description();
  bench.gpu = engine ? engine->device() : "";
  const auto runs = [&](const std::string& method, const Dataset& dataset) {
    return !o.quick || estimated_seconds(method, dataset, bench.models.front().dims, o.iterations) <= quick_limit;
  };
  announce(o, bench, datasets, runs);

  const BenchFolder folder;
  const auto progress = context.progress("measuring");
  const std::size_t total = datasets.size() * bench.methods.size();
  std::size_t done = 0;
  for (const Dataset& dataset : datasets) {
    const BenchShape shape{dataset.rows, dataset.classes, inputs_of(bench.methods)};
    Measured measured{dataset, {}};
    std::set<std::string> refused;
    const auto groups = folder.groups(bench.models, shape);
    for (const auto& models : groups) {
      const Zoo zoo = folder.stock(models, shape, context.seed);
      for (std::size_t m = 0; m < bench.methods.size(); ++m) {
        const std::string& method = bench.methods[m];
        if (runs(method, dataset) && !refused.contains(method)) {
          try {
            measure_cell(measured.methods[method], zoo, method, o, context, engine);
          } catch (
              const InputError& error) {  // a shape that the method does not take, such as fewer rows than it wants
            spdlog::warn("{} is left out on {}: {}", method, dataset.name, error.what());
            refused.insert(method);
            measured.methods.erase(method);
          }
        }
        if (&models == &groups.back()) {
          progress->update(++done, total);
        }
      }
    }
    bench.datasets.push_back(std::move(measured));
  }
  return bench;
}

// ---- Showing --------------------------------------------------------------------------------------------------------

/// Table 1's seconds; nothing for methods that the paper does not time.
std::optional<double> paper_seconds(const std::string& method, const Dataset& dataset) {
  const paper::Table& table = paper::table("table1");
  const paper::Row* row = table.find("seconds", method);
  const auto column = std::find(table.datasets.begin(), table.datasets.end(), dataset.name);
  return row == nullptr ? std::nullopt
                        : std::optional(row->values()[static_cast<std::size_t>(column - table.datasets.begin())]);
}

const Cell& cell_of(const Measured& measured, const std::string& method) {
  static const Cell none;
  const auto found = measured.methods.find(method);
  return found == measured.methods.end() ? none : found->second;
}

/// What a table's note and a file's head say of the run.
std::string conditions(const BenchArguments& o, const Bench& bench) {
  std::vector<std::string> dims;
  for (const Model& model : bench.models) {
    dims.push_back(fmt::format("{}", model.dims));
  }
  return fmt::format(
      "Seconds per model, one thread, files included; {} model{} of made features a data set, D = {}{}{}\n"
      "CPU: {}{}\n"
      "paper: Table 1, which does not say whether for one model or ten, nor on which processor\n",
      bench.models.size(), bench.models.size() == 1 ? "" : "s", fmt::join(dims, ", "),
      o.rows_limit ? fmt::format(", at most {} rows", with_commas(*o.rows_limit)) : "",
      o.quick ? fmt::format("; -: not run, more than {:.0f} s expected", quick_limit) : "", bench.cpu,
      bench.gpu.empty() ? "" : "\nGPU: " + bench.gpu);
}

std::string as_table(const BenchArguments& o, const Bench& bench, Paint paint) {
  std::vector<TextTable::Column> columns{{"method", TextTable::Align::left}};
  for (const Measured& measured : bench.datasets) {
    columns.push_back({measured.dataset.name});
  }
  columns.push_back({"average"});
  TextTable table(columns);
  const auto add = [&](const std::string& name, const auto& figure, TextTable::Style style) {
    std::vector<std::optional<double>> values;
    std::transform(bench.datasets.begin(), bench.datasets.end(), std::back_inserter(values), figure);
    const auto known = std::count_if(values.begin(), values.end(), [](const auto& v) { return v.has_value(); });
    if (known == 0 && style != TextTable::Style::bold) {
      return;
    }
    const bool all = known == static_cast<std::ptrdiff_t>(values.size());
    values.push_back(all ? mean_of(values) : std::nullopt);
    std::vector<std::string> cells{name};
    std::transform(values.begin(), values.end(), std::back_inserter(cells),
                   [](const auto& v) { return v ? fmt::format("{:.2f}", *v) : std::string("-"); });
    table.add(std::move(cells), style);
  };
  const auto count = static_cast<double>(bench.models.size());
  const auto per_model = [count](std::optional<double> all) { return all ? std::optional(*all / count) : all; };
  for (const std::string& method : bench.methods) {
    add(
        method + ", CPU", [&](const Measured& m) { return per_model(cell_of(m, method).cpu); }, TextTable::Style::bold);
    add(
        method + ", GPU", [&](const Measured& m) { return per_model(cell_of(m, method).gpu); }, TextTable::Style::good);
    add(
        method + ", paper", [&](const Measured& m) { return paper_seconds(method, m.dataset); },
        TextTable::Style::plain);
  }
  return table.text(paint) + conditions(o, bench);
}

std::string as_json(const BenchArguments& o, const Bench& bench) {
  Json json{{"schema", "itm.bench/2"},
            {"suite", o.suite},
            {"threads", 1},
            {"iterations", o.iterations},
            {"rows_limit", o.rows_limit ? Json(*o.rows_limit) : Json(nullptr)},
            {"quick", o.quick},
            {"cpu", bench.cpu},
            {"gpu", bench.gpu.empty() ? Json(nullptr) : Json(bench.gpu)},
            {"models", Json::array()},
            {"datasets", Json::array()}};
  for (const Model& model : bench.models) {
    json["models"].push_back({{"model", model.name}, {"dims", model.dims}});
  }
  for (const Measured& measured : bench.datasets) {
    Json methods = Json::array();
    for (const std::string& method : bench.methods) {
      const Cell& cell = cell_of(measured, method);
      methods.push_back({{"method", method},
                         {"cpu_seconds", json_number(cell.cpu)},
                         {"gpu_seconds", json_number(cell.gpu)},
                         {"paper_seconds", json_number(paper_seconds(method, measured.dataset))}});
    }
    json["datasets"].push_back({{"dataset", measured.dataset.name},
                                {"rows", measured.dataset.rows},
                                {"classes", measured.dataset.classes},
                                {"methods", std::move(methods)}});
  }
  return dump(json);
}

std::string as_csv(const Bench& bench) {
  std::string csv = "dataset,rows,classes,method,models,cpu_seconds,gpu_seconds,paper_seconds\n";
  for (const Measured& measured : bench.datasets) {
    for (const std::string& method : bench.methods) {
      const Cell& cell = cell_of(measured, method);
      csv += fmt::format("{},{},{},{},{},{},{},{}\n", measured.dataset.name, measured.dataset.rows,
                         measured.dataset.classes, method, bench.models.size(), csv_number(cell.cpu),
                         csv_number(cell.gpu), csv_number(paper_seconds(method, measured.dataset)));
    }
  }
  return csv;
}

ExitStatus run(const BenchArguments& o, const Context& context) {
  const Bench bench = measure(o, context);
  context.write(context.in_format([&] { return as_json(o, bench); }, [&] { return as_csv(bench); },
                                  [&] { return as_table(o, bench, context.paint()); }));
  return ExitStatus::success;
}

}  // namespace

Command bench_command() {
  return {
      "bench", "Measure every method at the shapes of the paper's ten data sets",
      [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<BenchArguments>();
        add_choice<std::string>(app, "suite", o->suite, {{"paper", "paper"}}, "Which shapes")->required();
        app.add_option("--method", o->methods, "Methods, or all")
            ->type_name("NAME")
            ->delimiter(',')
            ->default_str("all");
        app.add_option("--dataset", o->datasets, "These data sets of the paper only")
            ->type_name("NAME")
            ->delimiter(',');
        add_number<std::size_t>(app, "--models", o->models, 1, paper::models().size(),
                                "How many of the paper's ten models: the first has 768 columns");
        add_number<std::size_t>(app, "--rows-limit", o->rows_limit, 10, 100'000'000,
                                "Cut data sets to so many rows, though not below two a class");
        app.add_flag("--quick", o->quick, "Leave out what is expected to take more than 10 s a model");
        add_number<std::size_t>(app, "--iterations", o->iterations, 1, 100'000, "Training iterations of ITM");
        add_engine_options(app, o->engine);
        app.footer(
            "Examples:\n"
            "  itm bench paper --quick\n"
            "  itm bench paper --method itm --models 10 --format json --out bench.json\n"
            "  itm bench paper --rows-limit 2000\n"
            "\n"
            "Made zoos are written to the temporary folder (TMPDIR), as many models at once as half of its free "
            "space and\n"
            "half of the memory hold, and ranked together on one thread, which a GPU does in lockstep. Features are "
            "made, so\n"
            "scores mean nothing; times do. All methods on one model of full size take about 20 minutes, half of it "
            "N-LEEP.");
        return [o, &context] { return run(*o, context); };
      }};
}

}  // namespace itm::cli
