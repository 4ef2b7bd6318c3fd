// Each data set left out in turn.

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/run_itm.hpp"
#include "core/gaussian.hpp"
#include "itm/choose.hpp"
#include "itm/error.hpp"
#include "paths.hpp"

namespace itm {
namespace {

using Json = nlohmann::json;
using testing::examples;

/// Models with a general quality, data sets that follow it, scores that see some of what is left.
ChoiceTables made(std::size_t models, std::size_t datasets, std::size_t methods) {
  ChoiceTables tables;
  GroundTruth truth;
  truth.file = "made.csv";
  std::uint64_t draw = 0;
  const auto normal = [&] { return philox::normal(7, philox::stream_id("evaluate_test"), draw++); };
  std::vector<double> quality(models);
  std::generate(quality.begin(), quality.end(), normal);
  for (std::size_t d = 0; d < datasets; ++d) {
    const std::string dataset = "d" + std::to_string(d);
    truth.datasets.push_back(dataset);
    std::vector<double> own(models);
    const double level = 1 + normal();
    for (std::size_t m = 0; m < models; ++m) {
      own[m] = 0.8 * quality[m] + 0.6 * normal();
      truth.accuracy[dataset]["m" + std::to_string(m)] = 100 / (1 + std::exp(-level - 0.5 * own[m]));
    }
    for (std::size_t k = 0; k < methods; ++k) {
      MethodScores scores{dataset, "s" + std::to_string(k), {}};
      for (std::size_t m = 0; m < models; ++m) {
        scores.order["m" + std::to_string(m)] = own[m] + 1.5 * normal();
      }
      tables.scores.push_back(std::move(scores));
    }
  }
  tables.truth.push_back(std::move(truth));
  return tables;
}

/// On what the model assumes it must be what it says: better than either part alone, lists and intervals that hold.
TEST(Evaluate, OnDataOfItsModelBothBeatEither) {
  const Evaluation evaluation = evaluate_choices(made(30, 10, 3));
  ASSERT_FALSE(evaluation.rows.empty());
  EXPECT_EQ(evaluation.rows.front().known, 0U);
  EXPECT_FALSE(evaluation.rows.front().order.tau_w.has_value());
  EXPECT_EQ(*evaluation.rows.front().choose.tau_w, *evaluation.rows.front().score.tau_w) << "the vote alone";
  for (const EvaluatedKnown& row : evaluation.rows) {
    if (row.known < 2) {
      continue;
    }
    EXPECT_GT(*row.choose.tau_w, *row.score.tau_w) << row.known;
    EXPECT_GT(*row.choose.tau_w, *row.order.tau_w) << row.known;
    EXPECT_GE(*row.coverage, 0.7) << row.known;
    // Wider than these data need: they have neither surprises nor drift, which real tables have.
    EXPECT_GE(*row.interval_coverage, 0.75) << row.known;
  }
}

TEST(Evaluate, KindsShowWhichModelsAScoreFavours) {
  ChoiceTables tables = made(6, 4, 0);
  for (std::size_t d = 0; d < 4; ++d) {
    const std::string dataset = "d" + std::to_string(d);
    MethodScores scores{dataset, "partial", tables.truth[0].accuracy[dataset]};
    scores.order["m0"] = 200;  // always first
    tables.scores.push_back(std::move(scores));
  }
  tables.kind = {{"m0", "loved"}, {"m1", "other"}, {"m2", "other"}};
  const Evaluation evaluation = evaluate_choices(tables);
  double loved = 0;
  for (const KindError& error : evaluation.kinds) {
    loved = error.kind == "loved" ? error.rank_error : loved;
  }
  double rank = 0;
  for (const auto& [dataset, column] : tables.truth[0].accuracy) {
    for (const auto& [model, value] : column) {
      rank += (value > column.at("m0") ? 1.0 : 0.0) / 4;
    }
  }
  EXPECT_NEAR(loved, -rank, 1e-12);
  EXPECT_TRUE(evaluation.rows.back().choose.kind_pairs.has_value());
}

TEST(Evaluate, TheSameSeedGivesTheSameBits) {
  const ChoiceTables tables = made(8, 5, 2);
  EXPECT_EQ(to_json(evaluate_choices(tables)), to_json(evaluate_choices(tables)));
}

TEST(Evaluate, RefusesTruthsOfSingleModels) {
  ChoiceTables tables;
  GroundTruth truth;
  truth.accuracy["d"]["m"] = 1;
  tables.truth.push_back(truth);
  EXPECT_THROW((void)evaluate_choices(tables), InputError);
}

TEST(EvaluateCommand, WritesItsSchema) {
  const testing::Finished run = testing::run_itm({"evaluate", examples() + "/truth/glyphs.csv", "--scores",
                                                  examples() + "/truth/glyphs_scores.csv", "--kinds",
                                                  examples() + "/truth/glyphs_models.csv", "--format", "json"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["schema"], "itm.evaluate/1");
  for (const Json& row : json["results"]) {
    for (const char* figure : {"tau_w", "regret"}) {
      for (const char* by : {"choose", "score", "order"}) {
        EXPECT_TRUE(row[figure].contains(by));
      }
    }
    EXPECT_TRUE(row.contains("coverage"));
    EXPECT_TRUE(row.contains("length"));
  }
  // Without history it is the vote, which reaches 0.78 over the six tasks.
  EXPECT_GT(json["results"][0]["tau_w"]["choose"].get<double>(), 0.75);
}

TEST(EvaluateCommand, NamesTheColumnsOfKindsThatThereAre) {
  const testing::Finished run = testing::run_itm({"evaluate", examples() + "/truth/glyphs.csv", "--kinds",
                                                  examples() + "/truth/glyphs_models.csv", "--kind", "size"});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("has no column 'size'; it has family, pretraining"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace itm
