// Which models to fine-tune: the model of docs/choose.md against dense algebra, and what a person may rely on.

#include "itm/choose.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "choose/memory.hpp"
#include "choose/predict.hpp"
#include "choose/tables.hpp"
#include "cli/run_itm.hpp"
#include "core/statistics.hpp"
#include "itm/error.hpp"
#include "made_zoo.hpp"
#include "paths.hpp"

namespace itm {
namespace {

using Json = nlohmann::json;
using testing::examples;
using testing::test_data;

GroundTruth truth_of(const std::map<std::string, std::map<std::string, double>>& columns) {
  GroundTruth truth;
  truth.file = "truth.csv";
  truth.accuracy = columns;
  for (const auto& [dataset, column] : columns) {
    truth.datasets.push_back(dataset);
  }
  return truth;
}

const ChoiceModel& model_of(const Choice& choice, const std::string& name) {
  return *std::find_if(choice.models.begin(), choice.models.end(), [&](const auto& m) { return m.model == name; });
}

/// Four models whose order on the past is a, b, c, d.
ChoiceTables in_order(std::size_t past) {
  ChoiceTables tables;
  std::map<std::string, std::map<std::string, double>> columns;
  for (std::size_t d = 0; d < past; ++d) {
    const double base = 60 + 3 * static_cast<double>(d);
    columns["past" + std::to_string(d)] = {{"a", base + 12}, {"b", base + 8}, {"c", base + 4}, {"d", base}};
  }
  tables.truth.push_back(truth_of(columns));
  return tables;
}

/// The tables of the reference, without the past truths of some models.
ChoiceTables reference_tables(const Json& reference, const Json& one) {
  ChoiceTables tables;
  std::map<std::string, std::map<std::string, double>> columns;
  const auto models = reference["models"].get<std::vector<std::string>>();
  const auto hidden = one["hidden"].get<std::vector<std::size_t>>();
  for (const auto& [dataset, values] : reference["truth"].items()) {
    for (std::size_t m = 0; m < models.size(); ++m) {
      const bool told = dataset == reference["target"] || std::find(hidden.begin(), hidden.end(), m) == hidden.end();
      if (told && !values[m].is_null()) {
        columns[dataset][models[m]] = values[m];
      }
    }
    for (std::size_t k = 0; k < 2; ++k) {
      MethodScores scores{dataset, reference["methods"][k], {}};
      for (std::size_t m = 0; m < models.size(); ++m) {
        scores.order[models[m]] = reference["scores"][dataset][k][m];
      }
      tables.scores.push_back(std::move(scores));
    }
  }
  tables.truth.push_back(truth_of(columns));
  for (std::size_t m = 0; m < models.size() && !one["kinds"].is_null(); ++m) {
    tables.kind[models[m]] = one["kinds"][m];
  }
  return tables;
}

TEST(Choose, EqualsDenseAlgebra) {
  const Json reference = Json::parse(testing::text_of(test_data() + "/choose/reference.json"));
  const auto models = reference["models"].get<std::vector<std::string>>();
  for (const Json& one : reference["cases"]) {
    SCOPED_TRACE(one["past"].dump() + one["known"].dump() + one["hidden"].dump());
    const choose::Tables index = choose::index_tables(reference_tables(reference, one), {"first", "second"});
    std::vector<const choose::Dataset*> past;
    for (const std::string name : one["past"]) {
      past.push_back(index.find(name));
    }
    std::vector<bool> known(models.size(), false);
    for (const std::size_t m : one["known"]) {
      known[m] = true;
    }
    std::vector<std::size_t> all(models.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const choose::Problem problem =
        choose::make_problem(index, past, *index.find(reference["target"].get<std::string>()), all, known);
    const choose::DrawTable draws(16, models.size(), choose::DrawTable::width(problem.features), 0);
    const choose::Outcomes outcomes = choose::predict(problem, choose::learn(problem), draws);
    for (std::size_t m = 0; m < models.size(); ++m) {
      EXPECT_NEAR(outcomes.mean[m], one["mean"][m].get<double>(), 1e-8) << models[m];
      EXPECT_NEAR(outcomes.sd[m], one["sd"][m].get<double>(), 1e-8) << models[m];
    }
    EXPECT_NEAR(outcomes.order_share, one["order_share"].get<double>(), 1e-8);
  }
}

/// rank's consensus over the same methods is the order without history, ties included.
TEST(Choose, WithoutHistoryItIsTheConsensus) {
  RankReport report;
  ChoiceTables tables;
  const std::map<std::string, std::vector<double>> scores{
      {"logme", {3, 2, 5, 1, 4}}, {"etran", {9, 9, 7, 1, 2}}, {"knn", {1, 5, 2, 5, 4}}};
  for (const auto& [method, values] : scores) {
    RankedDataset result;
    result.dataset = "pets";
    result.method = method;
    for (std::size_t m = 0; m < values.size(); ++m) {
      ScoredModel model;
      model.model = "m" + std::to_string(m);
      model.score = values[m];
      result.models.push_back(model);
    }
    assign_ranks(result);
    MethodScores given{"pets", method, {}};
    for (const ScoredModel& model : result.models) {
      given.order[model.model] = model.score;
    }
    report.results.push_back(result);
    tables.scores.push_back(given);
  }
  const Consensus consensus = consensus_of(report).at(0);
  const Choice choice = choose_models(tables, "pets");
  ASSERT_EQ(choice.models.size(), consensus.models.size());
  for (std::size_t i = 0; i < consensus.models.size(); ++i) {
    EXPECT_EQ(choice.models[i].model, consensus.models[i].model);
    EXPECT_EQ(choice.models[i].rank, consensus.models[i].rank);
  }
  EXPECT_FALSE(choice.models[0].expected.has_value()) << "nothing tells what accuracies are like";
  EXPECT_LT(choice.models[0].p_best, 0.6) << "a vote alone is not sure";
  EXPECT_GT(choice.models[0].p_best, 1.0 / 5);
}

TEST(Choose, ProbabilitiesAddUpAndListsHoldWhatTheySay) {
  const Choice choice = choose_models(in_order(4), "new");
  double sum = 0;
  for (const ChoiceModel& model : choice.models) {
    sum += model.p_best;
    EXPECT_LE(*model.low, *model.expected);
    EXPECT_GE(*model.high, *model.expected);
  }
  EXPECT_NEAR(sum, 1, 1e-9);
  double listed = 0;
  for (const ChoiceStep& step : choice.shortlist) {
    EXPECT_LT(listed, 0.8) << "no longer than it has to be";
    listed += model_of(choice, step.model).p_best;
    EXPECT_NEAR(step.p_best_found, listed, 1e-9);
  }
  EXPECT_GE(listed, 0.8 - 1e-9);
  EXPECT_NEAR(choice.p_best_in_shortlist, listed, 1e-9);
}

TEST(Choose, MorePastDataSetsThatAgreeMakeItSurer) {
  double before = 0.25;
  for (const std::size_t past : {1U, 3U, 8U}) {
    const Choice choice = choose_models(in_order(past), "new");
    EXPECT_EQ(choice.models[0].model, "a");
    EXPECT_GT(choice.models[0].p_best, before) << past;
    before = choice.models[0].p_best;
  }
}

TEST(Choose, OnePastDataSetIsTaken) {
  const Choice choice = choose_models(in_order(1), "new");
  std::string order;
  for (const ChoiceModel& model : choice.models) {
    order += model.model;
  }
  EXPECT_EQ(order, "abcd");
  EXPECT_LT(choice.models[0].p_best, 0.7);
}

TEST(Choose, ScoresThatSayNothingChangeNoOrder) {
  ChoiceTables tables = in_order(3);
  for (const char* dataset : {"past0", "past1", "past2", "new"}) {
    tables.scores.push_back({dataset, "constant", {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}});
  }
  const Choice with = choose_models(tables, "new");
  const Choice without = choose_models(in_order(3), "new");
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(with.models[i].model, without.models[i].model);
    EXPECT_NEAR(with.models[i].mean, without.models[i].mean, 1e-9);
  }
}

/// Scores that always were wrong are not followed; their weight is learned.
TEST(Choose, ScoresThatMisledBeforeLoseTheirWeight) {
  ChoiceTables tables = in_order(6);
  for (std::size_t d = 0; d < 6; ++d) {
    tables.scores.push_back({"past" + std::to_string(d), "wrong", {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}}});
  }
  tables.scores.push_back({"new", "wrong", {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}}});
  EXPECT_EQ(choose_models(tables, "new").models[0].model, "a");
}

TEST(Choose, AModelWithoutPastStandsInTheMiddleAndIsLessSure) {
  ChoiceTables tables = in_order(5);
  tables.scores.push_back({"new", "logme", {{"a", 3}, {"b", 3}, {"c", 3}, {"d", 3}, {"fresh", 3}}});
  const Choice choice = choose_models(tables, "new");
  const ChoiceModel& fresh = model_of(choice, "fresh");
  EXPECT_LT(fresh.mean, model_of(choice, "a").mean);
  EXPECT_GT(fresh.mean, model_of(choice, "d").mean);
  EXPECT_GT(fresh.sd, model_of(choice, "b").sd);
  EXPECT_EQ(fresh.reasons.known_on, 0U);
}

TEST(Choose, AModelWithoutPastTakesAfterItsKin) {
  ChoiceTables tables = in_order(5);
  tables.scores.push_back({"new", "logme", {{"a", 3}, {"b", 3}, {"c", 3}, {"d", 3}, {"fresh", 3}}});
  const Choice without = choose_models(tables, "new");
  tables.kind = {{"a", "cnn"}, {"b", "cnn"}, {"c", "vit"}, {"d", "vit"}, {"fresh", "cnn"}};
  const Choice good = choose_models(tables, "new");
  tables.kind["fresh"] = "vit";
  const Choice bad = choose_models(tables, "new");
  EXPECT_GT(model_of(good, "fresh").mean, model_of(without, "fresh").mean);
  EXPECT_LT(model_of(bad, "fresh").mean, model_of(without, "fresh").mean);
  EXPECT_LT(model_of(good, "fresh").sd, model_of(without, "fresh").sd);
  EXPECT_LT(model_of(good, "fresh").mean, model_of(good, "a").mean);
  for (const char* known : {"a", "b", "c", "d"}) {
    EXPECT_EQ(model_of(good, known).mean, model_of(without, known).mean) << "kinds change nothing for " << known;
  }
}

/// A failed run hardly counts for more than a bad one, but truths far out keep their order.
TEST(Choose, TruthsFarOutKeepTheirOrder) {
  std::map<std::string, double> column;
  for (int m = 0; m < 40; ++m) {
    column["m" + std::to_string(m)] = 50 + 0.1 * m;
  }
  column["best"] = 90;
  column["second"] = 80;
  ChoiceTables tables;
  tables.truth.push_back(truth_of({{"past", column}}));
  const Choice choice = choose_models(tables, "new");
  EXPECT_EQ(choice.models[0].model, "best");
  EXPECT_EQ(choice.models[1].model, "second");
  EXPECT_EQ(choice.models[1].rank, 2);
}

/// Of a hundred models that one data set knows, none is much more probable than the next: a count over draws would
/// shuffle them, and the list would not begin with the best.
TEST(Choose, AListOfManyCloseModelsIsInTheOrderOfTheirMeans) {
  std::map<std::string, double> column;
  for (int m = 0; m < 100; ++m) {
    column[fmt::format("m{:02}", m)] = 60 + 0.2 * m;
  }
  ChoiceTables tables;
  tables.truth.push_back(truth_of({{"past", column}}));
  const Choice choice = choose_models(tables, "new");
  ASSERT_GT(choice.shortlist.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(choice.shortlist[i].model, choice.models[i].model) << i;
  }
}

TEST(Choose, TruthOnTheDataSetItselfIsUsed) {
  ChoiceTables tables = in_order(5);
  tables.truth.front().accuracy["new"] = {{"c", 91}, {"d", 80}};
  const Choice choice = choose_models(tables, "new");
  EXPECT_EQ(*model_of(choice, "c").expected, 91);
  EXPECT_EQ(*model_of(choice, "c").known, 91);
  ASSERT_TRUE(choice.next.has_value());
  EXPECT_TRUE(choice.next->model == "a" || choice.next->model == "b");
  EXPECT_GT(*choice.next->gain, 0);
  for (const ChoiceStep& step : choice.shortlist) {
    EXPECT_TRUE(step.model == "a" || step.model == "b") << "what is known is not tried again";
  }
  // Where c and d stand tells what a will reach: closer than without them.
  const Choice before = choose_models(in_order(5), "new");
  EXPECT_LT(*model_of(choice, "a").high - *model_of(choice, "a").low,
            *model_of(before, "a").high - *model_of(before, "a").low);
}

/// One wild data set among six does not turn the order, nor do failed runs in it.
TEST(Choose, ADataSetThatSurprisesIsTakenForOne) {
  ChoiceTables tables = in_order(5);
  tables.truth.front().accuracy["wild"] = {{"a", 0.1}, {"b", 50}, {"c", 55}, {"d", 99.9}};
  const Choice choice = choose_models(tables, "new");
  EXPECT_EQ(choice.models.front().model, "a");
  EXPECT_LT(choice.models[0].p_best, choose_models(in_order(5), "new").models[0].p_best) << "the next may be wild too";
}

TEST(Choose, BudgetSaysHowLongTheListIs) {
  ChooseOptions options;
  options.budget = 3;
  EXPECT_EQ(choose_models(in_order(4), "new", options).shortlist.size(), 3U);
}

TEST(Choose, TheFrontHoldsWhatNobodyBeatsInBoth) {
  ChoiceTables tables = in_order(4);
  tables.cost_name = "ms";
  tables.cost = {{"a", 10}, {"b", 12}, {"c", 4}, {"d", 2}};
  const Choice choice = choose_models(tables, "new");
  EXPECT_TRUE(model_of(choice, "a").on_front);
  EXPECT_FALSE(model_of(choice, "b").on_front) << "a is better and cheaper";
  EXPECT_TRUE(model_of(choice, "c").on_front);
  EXPECT_TRUE(model_of(choice, "d").on_front);
}

TEST(Choose, TheSameSeedGivesTheSameBits) {
  const auto json = [](std::uint64_t seed) {
    ChooseOptions options;
    options.seed = seed;
    return to_json(std::vector<Choice>{choose_models(in_order(4), "new", options)});
  };
  EXPECT_EQ(json(1), json(1));
  EXPECT_NE(json(1), json(2));
}

TEST(Choose, RefusesWhatCannotBeChosenFrom) {
  EXPECT_THROW((void)choose_models({}, "new"), InputError);
  ChoiceTables contradiction = in_order(2);
  contradiction.truth.push_back(truth_of({{"past0", {{"a", 1}}}}));
  EXPECT_THROW((void)choose_models(contradiction, "new"), InputError);
  ChooseOptions options;
  options.methods = {"nobody"};
  EXPECT_THROW((void)choose_models(in_order(2), "new", options), InputError);
}

TEST(ChooseCommand, WritesItsSchema) {
  const std::string truth = examples() + "/truth/glyphs.csv";
  const testing::Finished run = testing::run_itm({"choose", "--scores", examples() + "/truth/glyphs_scores.csv",
                                                  "--history", truth, "--dataset", "math", "--format", "json"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["schema"], "itm.choose/1");
  const Json& result = json["results"][0];
  EXPECT_EQ(result["dataset"], "math");
  for (const char* key : {"model", "rank", "mean", "sd", "p_best", "expected", "low", "high", "reasons"}) {
    EXPECT_TRUE(result["models"][0].contains(key)) << key;
  }
  EXPECT_TRUE(result["shortlist"].is_array());
  EXPECT_TRUE(result["p_best_in_shortlist"].is_number());
}

/// A manifest's further columns and the record of an extraction serve as costs and as kinds.
TEST(ChooseCommand, FactsOfTheZooAreCostsAndKinds) {
  const testing::TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
    return (folder.path() / name).string();
  };
  const std::string glyphs = examples() + "/glyphs/";
  std::string manifest = "model,dataset,feature,label,family,parameters\n";
  // The other models of the history were fine-tuned on greek too: candidates of which the zoo knows nothing.
  const std::map<std::string, int> parameters{{"byol_vgg", 500}, {"sup_vgg", 500}, {"mae_vit_b", 900}};
  for (const auto& [model, count] : parameters) {
    manifest += fmt::format("{0},greek,{1}{0}_greek_feature.npy,{1}{0}_greek_label.npy,{2},{3}\n", model, glyphs,
                            model == "mae_vit_b" ? "ViT" : "CNN", count);
  }
  const std::string file = write("manifest.csv", manifest);
  write("extraction.json",
        R"({"schema": "itm.extract/1", "models": [{"model": "sup_vgg", "milliseconds_per_image": 1.5}]})");
  const std::vector<std::string> command{"choose",     folder.path().string(),
                                         "--manifest", file,
                                         "--dataset",  "greek",
                                         "--methods",  "etran",
                                         "--format",   "json",
                                         "--history",  examples() + "/truth/glyphs.csv"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = command;
    all.insert(all.end(), more.begin(), more.end());
    return testing::run_itm(all);
  };
  const testing::Finished run = with({"--cost-column", "parameters", "--kind", "family"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Json counted = Json::parse(run.out);
  for (const Json& model : counted["results"][0]["models"]) {
    const auto known = parameters.find(model["model"].get<std::string>());
    EXPECT_EQ(model.contains("cost"), known != parameters.end()) << model["model"];
    if (known != parameters.end()) {
      EXPECT_EQ(model["cost"], known->second) << known->first;
    }
  }
  const testing::Finished timed = with({"--cost-column", "milliseconds_per_image"});
  ASSERT_EQ(timed.status, 0) << timed.err;
  const Json measured = Json::parse(timed.out);
  for (const Json& model : measured["results"][0]["models"]) {
    EXPECT_EQ(model.contains("cost"), model["model"] == "sup_vgg");
  }
  const testing::Finished words = with({"--cost-column", "family"});
  EXPECT_EQ(words.status, 2);
  EXPECT_NE(words.err.find("no finite number"), std::string::npos) << words.err;
  const testing::Finished missing = with({"--kind", "size"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_NE(missing.err.find("it knows family, milliseconds_per_image, parameters"), std::string::npos) << missing.err;
}

TEST(ChooseCommand, NamesWhatIsMissing) {
  const testing::Finished run = testing::run_itm({"choose"});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("--dataset"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace itm
