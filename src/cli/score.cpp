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
#include "report/details_json.hpp"
#include "report/place_text.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct ScoreArguments {
  std::string method = "itm";
  std::string model;
  fs::path feature;
  fs::path label;
  fs::path output;
  fs::path source;
  fs::path target;
  fs::path split;
  RankOptions rank;
  EngineOptions engine;
};

ZooEntry entry_of(const ScoreArguments& o) {
  if (!o.target.empty() && !o.label.empty()) {
    throw InputError(
        fmt::format("--target {}: there is --label too; pass the one that is to be predicted", path_text(o.target)));
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
  if (!o.split.empty()) {
    entry.split = ArrayRef{o.split, "split"};
  }
  if (!o.source.empty()) {
    entry.source = ArrayRef{o.source, "feature"};
  }
  return entry;
}

std::string to_json(const RankedDataset& result) {
  const ScoredModel& scored = result.models.front();
  Json json{{"schema", "itm.score/1"},
            {"method", result.method},
            {"model", scored.model},
            {"score", scored.score},
            {"seconds", scored.seconds}};
  add_place(json, result.place);
  json["details"] = itm::to_json(scored.details);
  return dump(json);
}

std::string to_csv(const std::string& method, const ScoredModel& scored, CsvText text) {
  return fmt::format("method,model,score,seconds\n{},{},{},{:.6f}\n", csv_field(method, text),
                     csv_field(scored.model, text), csv_number(scored.score), scored.seconds);
}

/// One line per plain detail; lists of objects, such as ITM's curve, as a table of their own.
std::string to_table(const std::string& method, const ScoredModel& scored, Paint paint) {
  std::string text = fmt::format("{}  {}  {}\n", paint.bold(printable(scored.model, 200)),
                                 paint.good(score_text(method, scored.score)),
                                 paint.dim(fmt::format("{} in {:.2f} s", method, scored.seconds)));
  const auto plain = [](const DetailValue& value) {
    const auto* word = value.as<std::string>();
    const auto* real = value.as<double>();
    return word != nullptr ? *word : real != nullptr ? fmt::format("{:.4f}", *real) : itm::to_json(value).dump();
  };
  TextTable facts({{"", TextTable::Align::left}, {""}});
  std::string lists;
  for (const Detail& detail : scored.details) {
    const auto* groups = detail.value.as<DetailValue::Groups>();
    if (groups == nullptr || groups->empty()) {
      facts.add({detail.name, plain(detail.value)});
      continue;
    }
    std::vector<TextTable::Column> columns;
    for (const Detail& field : groups->front()) {
      columns.push_back({field.name});
    }
    TextTable list(columns);
    for (const Details& row : *groups) {
      std::vector<std::string> cells;
      for (const Detail& field : row) {
        cells.push_back(plain(field.value));
      }
      list.add(std::move(cells));
    }
    lists += fmt::format("\n{}\n{}", paint.bold(detail.name), list.text(paint));
  }
  std::string body = facts.text(paint);
  return text + body.substr(body.find('\n') + 1) + lists;
}

ExitStatus score(ScoreArguments& o, const Context& context) {
  context.fill(o.rank, find_estimator(o.method).name, o.engine);
  const Zoo zoo{o.feature.parent_path(), {{"", {entry_of(o)}}}};
  for (const auto& [option, file] :
       {std::pair("--feature", &o.feature), std::pair("--label", &o.label), std::pair("--output", &o.output),
        std::pair("--source", &o.source), std::pair("--target", &o.target), std::pair("--split", &o.split)}) {
    context.reads(fmt::format("the file of {}", option), *file);
  }
  context.computes_from(zoo);
  {
    const auto bar = context.progress("scoring");
    o.rank.progress = bar->of_ranking();
    const RankReport report = rank_zoo(zoo, o.rank);
    const RankedDataset& result = report.results.at(0);
    const ScoredModel& scored = result.models.at(0);
    if (!scored.note.empty()) {
      spdlog::warn("{}: {}", o.method, scored.note);
    }
    context.write(context.in_format([&] { return to_json(result); },
                                    [&] { return to_csv(o.method, scored, context.csv_text()); },
                                    [&] { return to_table(o.method, scored, context.paint()); }));
  }
  return ExitStatus::success;
}

}  // namespace

Command score_command() {
  return {"score", "Score one model from its feature and label files", [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<ScoreArguments>();
            app.add_option("--feature", o->feature, "Features [N, D]: .npy, .npz or .safetensors")
                ->required()
                ->type_name("FILE");
            app.add_option("--label", o->label, "Labels [N]; default: the array label of an archive given as --feature")
                ->type_name("FILE");
            app.add_option("--output", o->output, "Logits of the source head [N, C_source]")->type_name("FILE");
            app.add_option("--source", o->source, "Features of source images [S, D]")->type_name("FILE");
            app.add_option("--target", o->target, "Numbers [N, T] or, as zeros and ones, labels to predict")
                ->type_name("FILE");
            app.add_option("--split", o->split, "Rows to train on (0 or train) and to validate on (1 or val) [N]")
                ->type_name("FILE");
            app.add_option("--method", o->method, "Method")->type_name("NAME")->default_str("itm");
            app.add_option("--model", o->model, "Name of the model; default: the file's, without _feature")
                ->type_name("NAME");
            add_method_options(app, o->rank);
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
