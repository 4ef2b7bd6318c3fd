// Two results side by side: ranks among the models that both have, changes held against their errors.

#include "report/result_change.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "itm/error.hpp"

namespace {

using itm::compare_scores;
using itm::parse_scores_file;

const char* const before =
    R"({"schema":"itm.rank/1","results":[{"dataset":"pets","method":"itm","models":[
      {"model":"a","score":0.90,"rank":1,"error":0.01},{"model":"b","score":0.80,"rank":2,"error":0.01},
      {"model":"gone","score":0.70,"rank":3},{"model":"c","score":0.60,"rank":4,"error":0.01}]}]})";
const char* const after =
    R"({"schema":"itm.rank/1","results":[{"dataset":"pets","method":"itm","models":[
      {"model":"c","score":0.95,"rank":1,"error":0.01},{"model":"a","score":0.91,"rank":2,"error":0.01},
      {"model":"b","score":0.79,"rank":3,"error":0.01},{"model":"new","score":0.1,"rank":4}]},
      {"dataset":"cars","method":"itm","models":[{"model":"a","score":1,"rank":1}]}]})";

TEST(CompareScores, HoldsChangesAgainstTheErrors) {
  const auto change = compare_scores(parse_scores_file(before, "a.json"), parse_scores_file(after, "b.json"));
  ASSERT_EQ(change.results.size(), 1U);
  const itm::ResultChange& pets = change.results[0];
  ASSERT_EQ(pets.models.size(), 3U);
  EXPECT_EQ(pets.only_a, std::vector<std::string>{"gone"});
  EXPECT_EQ(pets.only_b, std::vector<std::string>{"new"});
  EXPECT_EQ(change.only_b, std::vector<std::string>{"cars by itm"});
  EXPECT_FALSE(pets.same_order());
  const itm::ModelChange& c = pets.models[2];
  EXPECT_EQ(c.model, "c");
  EXPECT_EQ(c.rank_a, 3) << "of the three that both have";
  EXPECT_EQ(c.rank_b, 1);
  EXPECT_NEAR(*c.noise, 1.96 * std::hypot(0.01, 0.01), 1e-12);
  EXPECT_TRUE(c.is_beyond_noise());
  EXPECT_FALSE(pets.models[0].is_beyond_noise()) << "0.01 is within 0.028";
  EXPECT_EQ(pets.beyond_noise(), 1U);
  EXPECT_NEAR(*pets.kendall, -1.0 / 3, 1e-12);
}

TEST(CompareScores, TheSameFileHasChangedNothing) {
  const auto change = compare_scores(parse_scores_file(before, "a.json"), parse_scores_file(before, "a.json"));
  EXPECT_TRUE(change.results[0].same_order());
  EXPECT_EQ(change.results[0].beyond_noise(), 0U);
  EXPECT_NE(to_table(change, itm::Paint{false}).find("same order; no score changed by more than noise"),
            std::string::npos);
}

TEST(CompareScores, WritesItsSchema) {
  const auto change = compare_scores(parse_scores_file(before, "a.json"), parse_scores_file(after, "b.json"));
  const auto json = nlohmann::json::parse(to_json(change));
  EXPECT_EQ(json["schema"], "itm.compare/1");
  EXPECT_EQ(json["results"][0]["models"][2]["change"], 0.95 - 0.60);
  EXPECT_EQ(json["results"][0]["models"][2]["beyond_noise"], true);
}

TEST(CompareScores, RefusesFilesThatHaveNothingInCommon) {
  EXPECT_THROW((void)compare_scores(parse_scores_file(before, "a.json"),
                                    parse_scores_file("dataset,method,rank,model,score\ncars,itm,1,a,1\n", "b.csv")),
               itm::InputError);
}

}  // namespace
