// `itm evolve`: what ITM makes of a model's rows as it trains (the paper's Fig. 7): E_n at chosen iterations as arrays,
// and as maps coloured by class.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>

#include "cli/commands.hpp"
#include "cli/method_options.hpp"
#include "cli/one_model.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/tsne.hpp"
#include "core/work_pool.hpp"
#include "engine/evolution.hpp"
#include "engine/plan_tools.hpp"
#include "itm/report.hpp"
#include "report/agreement_json.hpp"
#include "report/html/evolution_page.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using html::EvolutionReport;
using html::EvolvedView;

enum class Part { all, train, validation };

struct EvolveArguments {
  fs::path feature;
  fs::path label;
  std::string model;
  fs::path folder;
  std::vector<std::size_t> at{0, 10, 100, 500};
  std::size_t rows = 1000;
  Part part = Part::all;
  double perplexity = 30;
  RankOptions rank;
};

/// A model, its plan, and its parameters after each of the iterations asked for.
struct Trained {
  Array feature;
  FeatureStatistics statistics;
  ItmPlan plan;
  double eta = 0;
  std::vector<ItmParameters> parameters;
};

/// eq. 12 for a model alone: without a base to compare with it gets eta_b.
double rate_of(const ItmOptions& options, const FeatureStatistics& statistics, std::size_t dims) {
  if (!options.adaptive || !options.dispersion_base) {
    return options.eta;
  }
  const double scale = options.dispersion_per_sqrt_dim ? std::sqrt(static_cast<double>(dims)) : 1.0;
  return adaptive_rate(options.eta, *options.dispersion_base, statistics.dispersion / scale);
}

ZooEntry entry_of(const EvolveArguments& o) {
  ZooEntry entry;
  entry.model = o.model;
  entry.feature = {o.feature, "feature"};
  entry.label = labels_beside(o.feature, o.label);
  return entry;
}

Trained train(const EvolveArguments& o) {
  Trained t;
  const ZooEntry entry = entry_of(o);
  t.feature = entry.feature.read().to_native_row_major();
  const Labels labels = read_entry_labels(entry);
  t.statistics = measure_features(t.feature, labels, o.rank.itm.standardise);
  t.eta = rate_of(o.rank.itm, t.statistics, t.feature.cols());
  t.plan = make_plan(labels, o.rank.itm, entry.split ? read_entry_split(entry) : std::vector<std::uint8_t>());

  const ItmParameters initial = initial_parameters(t.feature.cols(), labels.classes, o.rank.itm.seed);
  std::vector<ItmParameters> reached;
  ItmObserver observer;
  observer.cancelled = cancelled;
  observer.parameters = &reached;
  std::copy_if(o.at.begin(), o.at.end(), std::back_inserter(observer.parameter_iterations),
               [](std::size_t iteration) { return iteration > 0; });
  if (!observer.parameter_iterations.empty()) {
    (void)run_itm(t.feature, t.statistics, t.plan, o.rank.itm, t.eta, initial, {}, observer);
  }
  if (o.at.front() == 0) {
    t.parameters.push_back(initial);
  }
  std::move(reached.begin(), reached.end(), std::back_inserter(t.parameters));
  return t;
}

/// The rows to show, ascending: all of the part, or a seeded sample.
std::vector<std::uint32_t> choose_rows(const EvolveArguments& o, const ItmPlan& plan) {
  std::vector<std::uint32_t> rows = o.part == Part::train ? plan.train : plan.validation;
  if (o.part == Part::all) {
    rows.resize(plan.labels.values.size());
    std::iota(rows.begin(), rows.end(), 0U);
  }
  if (rows.size() > o.rows) {
    std::vector<std::uint32_t> sample;
    const std::vector<std::uint32_t> order = permute_on_host(rows.size(), o.rank.itm.seed, "evolve");
    std::transform(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(o.rows), std::back_inserter(sample),
                   [&](std::uint32_t i) { return rows[i]; });
    rows = std::move(sample);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

struct Evolved {
  EvolutionReport report;
  std::size_t classes = 0;
  std::vector<std::vector<double>> embeddings;  ///< E_n, one per view
};

/// Evaluates and maps the rows after every iteration, on several threads; no result depends on their number.
Evolved evolve(const EvolveArguments& o, const Context& context) {
  const Trained trained = train(o);
  const std::vector<std::uint32_t> rows = choose_rows(o, trained.plan);
  Evolved out;
  out.classes = trained.plan.labels.classes;
  out.embeddings.resize(o.at.size());
  out.report.model = o.model;
  out.report.rows.assign(rows.begin(), rows.end());
  std::transform(rows.begin(), rows.end(), std::back_inserter(out.report.labels),
                 [&](std::uint32_t row) { return trained.plan.labels.values[row]; });
  out.report.views.resize(o.at.size());
  out.report.facts = {{"features", path_text(o.feature)},
                      {"rows", with_commas(rows.size()) + " of " + with_commas(trained.plan.labels.values.size())},
                      {"classes", fmt::format("{}", out.classes)},
                      {"eta", fmt::format("{:.3f}", trained.eta)},
                      {"perplexity", fmt::format("{}", o.perplexity)},
                      {"seed", fmt::format("{}", context.seed)}};
  const auto bar = context.progress("mapping");
  std::mutex guard;
  std::size_t done = 0;
  for_each_unit(o.at.size(), context.threads, [&](std::size_t k) {
    Evolution evolution = evolve_rows(trained.feature, trained.statistics, trained.plan, o.rank.itm, trained.eta,
                                      trained.parameters[k], rows);
    EvolvedView& view = out.report.views[k];
    view.iteration = o.at[k];
    std::size_t correct = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      correct += evolution.predicted[i] == out.report.labels[i] ? 1 : 0;
    }
    view.accuracy = static_cast<double>(correct) / static_cast<double>(rows.size());
    view.purity = neighbour_purity(evolution.evolved, out.classes, out.report.labels);
    view.map = tsne(evolution.evolved, rows.size(), out.classes, {o.perplexity, 0.5, context.seed, cancelled});
    out.embeddings[k] = std::move(evolution.evolved);
    const std::lock_guard lock(guard);
    bar->update(++done, o.at.size());
  });
  return out;
}

// ---- Files and result -----------------------------------------------------------------------------------------------

std::string embedding_file(std::size_t iteration) { return fmt::format("evolved_{}.npy", iteration); }

std::string map_csv(const EvolutionReport& report) {
  std::string csv = "iteration,row,label,x,y\n";
  for (const EvolvedView& view : report.views) {
    for (std::size_t i = 0; i < report.rows.size(); ++i) {
      csv += fmt::format("{},{},{},{},{}\n", view.iteration, report.rows[i], report.labels[i], view.map[2 * i],
                         view.map[2 * i + 1]);
    }
  }
  return csv;
}

/// Everything was computed before; each file is whole or absent.
void write_files(const fs::path& folder, const Evolved& evolved, const Context& context) {
  const EvolutionReport& report = evolved.report;
  fs::create_directories(folder);
  for (std::size_t k = 0; k < report.views.size(); ++k) {
    const std::vector<float> values(evolved.embeddings[k].begin(), evolved.embeddings[k].end());
    const std::size_t shape[] = {report.rows.size(), evolved.classes};
    write_npy<float>(folder / embedding_file(report.views[k].iteration), values, shape);
  }
  const std::size_t length[] = {report.rows.size()};
  const std::vector<std::int64_t> labels(report.labels.begin(), report.labels.end());
  write_npy<std::int64_t>(folder / "label.npy", labels, length);
  write_npy<std::int64_t>(folder / "row.npy", report.rows, length);
  write_file_atomically(folder / "map.csv", map_csv(report));
  write_file_atomically(folder / "evolution.html", context.recorded(html::evolution_page(report)));
}

std::string as_json(const EvolveArguments& o, const Evolved& evolved) {
  const EvolutionReport& report = evolved.report;
  Json json{{"schema", "itm.evolve/1"},   {"model", report.model}, {"directory", o.folder.string()},
            {"classes", evolved.classes}, {"rows", report.rows},   {"labels", report.labels},
            {"iterations", Json::array()}};
  for (const EvolvedView& view : report.views) {
    json["iterations"].push_back({{"iteration", view.iteration},
                                  {"accuracy", view.accuracy},
                                  {"neighbours", view.purity},
                                  {"evolved", embedding_file(view.iteration)},
                                  {"map", view.map}});
  }
  return dump(json);
}

std::string as_csv(const EvolutionReport& report) {
  std::string csv = "iteration,accuracy,neighbours,evolved\n";
  for (const EvolvedView& view : report.views) {
    csv += fmt::format("{},{},{},{}\n", view.iteration, view.accuracy, view.purity, embedding_file(view.iteration));
  }
  return csv;
}

std::string as_table(const EvolveArguments& o, const EvolutionReport& report, Paint paint) {
  TextTable table({{"iteration"}, {"accuracy"}, {"neighbours"}, {"E_n", TextTable::Align::left}});
  for (const EvolvedView& view : report.views) {
    table.add({with_commas(view.iteration), fmt::format("{:.2f} %", 100 * view.accuracy),
               fmt::format("{:.2f} %", 100 * view.purity), embedding_file(view.iteration)});
  }
  return fmt::format("{}  {} rows\n{}neighbours: rows whose nearest other row has their class; maps in {}\n",
                     paint.bold(printable(report.model, 200)), with_commas(report.rows.size()), table.text(paint),
                     path_text(o.folder / "evolution.html"));
}

/// Refuses, before the work, what cannot be done after it.
void check(EvolveArguments& o, const Context& context) {
  if (context.backend == Backend::cuda) {
    throw DeviceError("itm evolve runs on the CPU only; leave --backend out");
  }
  std::sort(o.at.begin(), o.at.end());
  o.at.erase(std::unique(o.at.begin(), o.at.end()), o.at.end());
  if (o.at.back() > o.rank.itm.iterations) {
    throw InputError(fmt::format("--at {}: ITM trains for {} iterations; name earlier ones or raise --iterations",
                                 o.at.back(), o.rank.itm.iterations));
  }
  if (o.folder.empty()) {
    throw InputError("--out-dir is empty; name a folder");
  }
  fs::path nearest = fs::absolute(o.folder).lexically_normal();
  while (!fs::exists(nearest)) {
    nearest = nearest.parent_path();
  }
  const std::string name = "--out-dir " + path_text(o.folder);
  if (!fs::is_directory(nearest)) {
    throw InputError(fmt::format("{}: {} is a file; name a folder", name, path_text(nearest)));
  }
  if (::access(nearest.c_str(), W_OK) != 0) {
    throw InputError(fmt::format("{}: the folder {} is not writable; choose another place", name, path_text(nearest)));
  }
}

/// Everything that is read, and everything that will stand in --out-dir.
void name_files(const EvolveArguments& o, const Context& context) {
  context.reads("the file of --feature", o.feature);
  context.reads("the file of --label", o.label);
  std::error_code ignored;
  if (!fs::is_directory(o.folder, ignored)) {
    return;  // a new folder holds no input
  }
  for (const char* file : {"label.npy", "row.npy", "map.csv", "evolution.html"}) {
    context.writes("--out-dir", o.folder / file);
  }
  for (const std::size_t iteration : o.at) {
    context.writes("--out-dir", o.folder / embedding_file(iteration));
  }
}

ExitStatus run(EvolveArguments& o, const Context& context) {
  check(o, context);
  name_files(o, context);
  o.model = o.model.empty() ? model_of(o.feature) : o.model;
  o.rank.itm.seed = context.seed;
  o.rank.itm.iterations = std::max<std::size_t>(o.at.back(), 1);  // later ones change nothing before
  const Evolved evolved = evolve(o, context);
  context.computes_from({o.feature.parent_path(), {{"", {entry_of(o)}}}});
  write_files(o.folder, evolved, context);
  say_when_interrupted(fmt::format("interrupted; {} was written before", path_text(o.folder)));
  context.write(context.in_format([&] { return as_json(o, evolved); }, [&] { return as_csv(evolved.report); },
                                  [&] { return as_table(o, evolved.report, context.paint()); }));
  return ExitStatus::success;
}

}  // namespace

Command evolve_command() {
  return {
      "evolve", "Show how ITM moves a model's rows as it trains", [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<EvolveArguments>();
        app.add_option("--feature", o->feature, "Features [N, D]: .npy, .npz or .safetensors")
            ->required()
            ->type_name("FILE");
        app.add_option("--label", o->label, "Labels [N]; default: the array label of an archive given as --feature")
            ->type_name("FILE");
        app.add_option("--out-dir", o->folder, "Folder for arrays, maps and the page; created where it is missing")
            ->required()
            ->type_name("DIR");
        app.add_option(
               "--at",
               [o](const CLI::results_t& texts) {
                 o->at.clear();
                 for (const std::string& text : texts) {
                   o->at.push_back(detail::parse<std::size_t>("--at", text, 0, 100'000));
                 }
                 return true;
               },
               "Iterations to show; 0 is before training")
            ->type_name("N,...")
            ->delimiter(',')
            ->expected(1, 1000)
            ->default_str("0,10,100,500");
        add_number<std::size_t>(app, "--rows", o->rows, 10, 20'000, "At most so many rows, a seeded sample");
        add_choice<Part>(app, "--part", o->part,
                         {{"all", Part::all}, {"train", Part::train}, {"validation", Part::validation}},
                         "Which rows of the split");
        add_number(app, "--perplexity", o->perplexity, 2.0, 1000.0, "t-SNE's: about how many neighbours a row has");
        app.add_option("--model", o->model, "Name of the model; default: the file's, without _feature")
            ->type_name("NAME");
        add_itm_options(app, o->rank);
        app.footer(
            "Examples:\n"
            "  itm evolve --feature examples/glyphs/sup_vgg_greek_feature.npy \\\n"
            "             --label examples/glyphs/sup_vgg_greek_label.npy --out-dir /tmp/vgg\n"
            "  itm evolve --feature vgg_pets.npz --at 0,1,10,100,500 --part validation --out-dir vgg_pets\n"
            "\n"
            "Writes evolved_T.npy (E_n after T updates, rows x classes, float32), label.npy, row.npy, map.csv (t-SNE)\n"
            "and evolution.html, one scatter per T. The rows are evolved in one batch, as in validation.");
        return [o, &context] { return run(*o, context); };
      }};
}

}  // namespace itm::cli
