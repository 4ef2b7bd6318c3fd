// `itm compare`: two results, what changed between them, and whether that is more than noise.

#include <memory>

#include "cli/commands.hpp"
#include "report/result_change.hpp"

namespace itm::cli {
namespace {

struct CompareArguments {
  std::filesystem::path a;
  std::filesystem::path b;
};

ExitStatus compare(const CompareArguments& o, const Context& context) {
  context.reads("the first result", o.a);
  context.reads("the second result", o.b);
  const ScoresChange change = compare_scores(read_scores_file(o.a), read_scores_file(o.b));
  context.write(context.in_format([&] { return to_json(change); }, [&] { return to_csv(change, context.csv_text()); },
                                  [&] { return to_table(change, context.paint()); }));
  return ExitStatus::success;
}

}  // namespace

Command compare_command() {
  return {"compare", "What changed between two results, and whether it is more than noise",
          [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<CompareArguments>();
            app.add_option("before", o->a, "Scores: the JSON or CSV of itm rank, or a CSV model,score")
                ->required()
                ->type_name("A");
            app.add_option("after", o->b, "The same, later or with other settings")->required()->type_name("B");
            app.footer(
                "Examples:\n"
                "  itm rank examples/glyphs --out before.json\n"
                "  itm rank examples/glyphs --repeats 5 --out after.json\n"
                "  itm compare before.json after.json");
            return [o, &context] { return compare(*o, context); };
          }};
}

}  // namespace itm::cli
