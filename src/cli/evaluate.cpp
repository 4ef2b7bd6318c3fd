// `itm evaluate`: how far scores, past results and both together can be trusted on a zoo.

#include <fmt/format.h>

#include <memory>

#include "cli/choice_inputs.hpp"
#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "core/text.hpp"

namespace itm::cli {
namespace {

struct EvaluateArguments {
  ChoiceInputs inputs;
  std::filesystem::path truth;
  std::vector<std::size_t> known;
  EvaluateOptions evaluate;
};

ExitStatus evaluate(EvaluateArguments& o, const Context& context) {
  context.reads("the truth", o.truth);
  name_files(o.inputs, context);
  ChoiceTables tables;
  tables.truth.push_back(read_ground_truth(o.truth));
  const std::vector<std::string>& datasets = tables.truth.front().datasets;
  const std::optional<Zoo> zoo = find_optional_zoo(o.inputs, datasets, context);
  read_choice_inputs(o.inputs, zoo, datasets, datasets.size() == 1 ? datasets.front() : "", context, tables);
  o.evaluate.methods = o.inputs.methods;
  o.evaluate.seed = context.seed;
  const Evaluation evaluation = evaluate_choices(tables, o.evaluate);
  std::string page;
  if (!o.inputs.html.empty()) {
    HtmlOptions html{"Evaluation of choices", {{"truth", path_text(o.truth)}}};
    if (zoo) {
      html.facts.emplace_back("zoo", path_text(o.inputs.zoo.folder));
    }
    html.facts.emplace_back("seed", std::to_string(context.seed));
    page = to_html(evaluation, html);
  }
  context.write(context.in_format([&] { return to_json(evaluation); }, [&] { return to_csv(evaluation); },
                                  [&] { return to_table(evaluation, context.paint().on); }),
                o.inputs.html, page);
  return ExitStatus::success;
}

}  // namespace

Command evaluate_command() {
  return {"evaluate", "How far scores and past results can be trusted", [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<EvaluateArguments>();
            app.add_option("truth", o->truth, "CSV of fine-tuned accuracies: model, then one column per data set")
                ->required()
                ->type_name("TRUTH");
            app.add_option(
                   "--known",
                   [o](const CLI::results_t& texts) {
                     for (const std::string& text : texts) {
                       o->evaluate.known.push_back(detail::parse<std::size_t>("--known", text, 0, 10'000));
                     }
                     return true;
                   },
                   "Numbers of past data sets to try; default: 0,1,2,3,5,9 and all others")
                ->type_name("N")
                ->delimiter(',')
                ->expected(1, -1)
                ->allow_extra_args(false);
            add_number<std::size_t>(app, "--choices", o->evaluate.choices, 1, 1'000,
                                    "Choices of past data sets, for each data set and number");
            add_number<std::size_t>(app, "--budget", o->evaluate.best_of, 1, 1'000'000,
                                    "Models of which the best counts in the second regret");
            add_number(app, "--probability", o->evaluate.sure, 0.05, 0.99, "That lists and intervals are made for");
            add_choice_inputs(app, o->inputs);
            app.footer(
                "Examples:\n"
                "  itm evaluate examples/truth/glyphs.csv --scores examples/truth/glyphs_scores.csv\n"
                "  itm evaluate examples/truth/paper_table3.csv --known 1,3,9\n"
                "  itm evaluate examples/glyphs/ground_truth.csv examples/glyphs --methods etran,logme\n"
                "  itm evaluate past.csv my_zoo --kinds models.csv --kind family --html evaluation.html");
            return [o, &context] { return evaluate(*o, context); };
          }};
}

}  // namespace itm::cli
