// `itm score`: one model, one number, and what it is made of.

#include <fmt/format.h>

#include <spdlog/spdlog.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/engine_options.hpp"
#include "cli/method_options.hpp"
#include "cli/one_model.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/text.hpp"
#include "itm/estimator.hpp"
#include "report/agreement_json.hpp"
#include "report/agreement_line.hpp"
#include "report/csv_field.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  std::string method = "itm";
  std::string model;
  fs::path feature;
  fs::path label;
  fs::path output;
  fs::path source;
  fs::path target;
  MethodOptions of_method;
  EngineOptions engine;
};

ZooEntry entry_of(const Options& o) {
  if (!o.target.empty() && !o.label.empty()) {
    throw InputError(
        fmt::format("--target {}: there is --label too; pass the one that is to be predicted", path_text(o.target)));
  }
  if (!o.target.empty() && !find_estimator(o.method).inputs.regression) {
    throw InputError(
        fmt::format("--target {}: {} scores class labels only; pass --label instead", path_text(o.target), o.method));
  }
  ZooEntry entry;
  entry.model = o.model.empty() ? model_of(o.feature) : o.model;
  entry.feature = {o.feature, "feature"};
  if (o.target.empty()) {
    entry.label = labels_beside(o.feature, o.label);
  }
  if (!o.output.empty()) {
    entry.output = ArrayRef{o.output, "output"};
  }
  if (!o.target.empty()) {
    entry.target = ArrayRef{o.target, "target"};
  }
  if (!o.source.empty()) {
    entry.source = ArrayRef{o.source, "feature"};
  }
  return entry;
}

std::string to_json(const std::string& method, const ScoredModel& scored, const std::string& backend) {
  return dump(Json{{"schema", "itm.score/1"},
                   {"method", method},
                   {"model", scored.model},
                   {"score", scored.score},
                   {"seconds", scored.seconds},
                   {"backend", backend},
                   {"details", Json::parse(scored.details)}});
}

std::string to_csv(const std::string& method, const ScoredModel& scored) {
  return fmt::format("method,model,score,seconds\n{},{},{},{:.6f}\n", csv_field(method), csv_field(scored.model),
                     csv_number(scored.score), scored.seconds);
}

/// One line per plain detail; lists of objects, such as ITM's curve, as a table of their own.
std::string to_table(const std::string& method, const ScoredModel& scored, Paint paint) {
  std::string text = fmt::format("{}  {}  {}\n", paint.bold(printable(scored.model, 200)),
                                 paint.good(score_text(method, scored.score)),
                                 paint.dim(fmt::format("{} in {:.2f} s", method, scored.seconds)));
  const Json details = Json::parse(scored.details);
  const auto plain = [](const Json& value) {
    return value.is_string()         ? value.get<std::string>()
           : value.is_number_float() ? fmt::format("{:.4f}", value.get<double>())
                                     : value.dump();
  };
  TextTable facts({{"", TextTable::Align::left}, {""}});
  std::string lists;
  for (const auto& [key, value] : details.items()) {
    const bool is_list = value.is_array() && !value.empty() && value.front().is_object();
    if (!is_list) {
      facts.add({key, plain(value)});
      continue;
    }
    std::vector<TextTable::Column> columns;
    for (const auto& [name, ignored] : value.front().items()) {
      columns.push_back({name});
    }
    TextTable list(columns);
    for (const Json& row : value) {
      std::vector<std::string> cells;
      for (const auto& [name, cell] : row.items()) {
        cells.push_back(plain(cell));
      }
      list.add(std::move(cells));
    }
    lists += fmt::format("\n{}\n{}", paint.bold(key), list.text(paint));
  }
  std::string body = facts.text(paint);
  return text + body.substr(body.find('\n') + 1) + lists;
}

ExitStatus score(Options& o, const Context& context) {
  RankOptions options;
  options.methods = {find_estimator(o.method).name};
  options.method = o.of_method;
  options.method.itm.seed = context.seed;
  options.method.cancelled = cancelled;
  options.threads = context.threads;
  options.method.engine = context.engine(o.engine);
  const std::string backend = options.method.engine ? "cuda" : "cpu";
  const Zoo zoo{o.feature.parent_path(), {{"", {entry_of(o)}}}};
  {
    const auto bar = context.progress("scoring");
    options.progress = bar->callback();
    const RankReport report = rank_zoo(zoo, options);
    const ScoredModel& scored = report.results.at(0).models.at(0);
    if (!scored.note.empty()) {
      spdlog::warn("{}: {}", o.method, scored.note);
    }
    context.write(context.in_format([&] { return to_json(o.method, scored, backend); },
                                    [&] { return to_csv(o.method, scored); },
                                    [&] { return to_table(o.method, scored, context.paint()); }));
  }
  return ExitStatus::success;
}

}  // namespace

Command score_command() {
  return {"score", "Score one model from its feature and label files", [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<Options>();
            app.add_option("--feature", o->feature, "Features [N, D]: .npy, .npz or .safetensors")
                ->required()
                ->type_name("FILE");
            app.add_option("--label", o->label, "Labels [N]; default: the array label of an archive given as --feature")
                ->type_name("FILE");
            app.add_option("--output", o->output, "Logits of the source head [N, C_source]")->type_name("FILE");
            app.add_option("--source", o->source, "Features of source images [S, D]")->type_name("FILE");
            app.add_option("--target", o->target, "Regression targets [N, T]")->type_name("FILE");
            app.add_option("--method", o->method, "Method")->type_name("NAME")->default_str("itm");
            app.add_option("--model", o->model, "Name of the model; default: the file's, without _feature")
                ->type_name("NAME");
            add_method_options(app, o->of_method);
            add_engine_options(app, o->engine);
            app.footer(
                "Examples:\n"
                "  itm score --feature examples/glyphs/sup_vgg_greek_feature.npy \\\n"
                "            --label examples/glyphs/sup_vgg_greek_label.npy\n"
                "  itm score --feature vgg_pets.npz --format json\n"
                "\n"
                "ITM's rate adapts to a zoo: one model alone gets --eta, unless --dispersion-base is given.");
            return [o, &context] { return score(*o, context); };
          }};
}

}  // namespace itm::cli
