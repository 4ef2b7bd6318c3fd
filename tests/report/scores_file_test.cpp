// Which scores files are understood, and how the others are refused: one sentence with the place.

#include "report/scores_file.hpp"

#include <gtest/gtest.h>

#include <string>

#include "itm/error.hpp"

namespace itm {
namespace {

TEST(ScoresFile, TwoColumnsWithAHeader) {
  const ScoresFile scores = parse_scores_file("model,score\nvgg, 0.25\r\n\"a \"\"b\"\"\",-1e-3\n", "s.csv");
  ASSERT_EQ(scores.tables.size(), 1U);
  EXPECT_EQ(scores.tables[0].dataset, "");
  ASSERT_EQ(scores.tables[0].models.size(), 2U);
  EXPECT_EQ(scores.tables[0].models[0].model, "vgg");
  EXPECT_EQ(scores.tables[0].models[0].score, 0.25);
  EXPECT_EQ(scores.tables[0].models[0].order, 0.25);
  EXPECT_EQ(scores.tables[0].models[1].model, "a \"b\"");
  EXPECT_EQ(scores.tables[0].models[1].score, -1e-3);
}

TEST(ScoresFile, TwoColumnsWithoutAHeader) {
  const ScoresFile scores = parse_scores_file("vgg,2\nvit,1", "s.csv");
  ASSERT_EQ(scores.tables.size(), 1U);
  EXPECT_EQ(scores.tables[0].models.size(), 2U);
}

TEST(ScoresFile, OneColumnPerDataSetWithGaps) {
  const ScoresFile scores = parse_scores_file("\xEF\xBB\xBFmodel,digits,math\nvgg,1,\nvit,2,3\n", "s.csv");
  ASSERT_EQ(scores.tables.size(), 2U);
  EXPECT_EQ(scores.tables[0].dataset, "digits");
  EXPECT_EQ(scores.tables[0].models.size(), 2U);
  EXPECT_EQ(scores.tables[1].dataset, "math");
  ASSERT_EQ(scores.tables[1].models.size(), 1U);
  EXPECT_EQ(scores.tables[1].models[0].model, "vit");
}

TEST(ScoresFile, OneLinePerScore) {
  const ScoresFile scores =
      parse_scores_file("dataset,model,method,score\nd,a,itm,1\ne,a,itm,2\nd,b,itm,3\nd,a,logme,4\n", "s.csv");
  ASSERT_EQ(scores.tables.size(), 3U);
  EXPECT_EQ(scores.tables[0].dataset, "d");
  EXPECT_EQ(scores.tables[0].models.size(), 2U);
  EXPECT_EQ(scores.tables[2].method, "logme");
}

struct Bad {
  const char* text;
  const char* sentence;  ///< how the message goes on after "s: "
};
// Without this the name of a test would hold addresses and change from build to build.
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.sentence; }

class BadScoresFile : public testing::TestWithParam<Bad> {};

TEST_P(BadScoresFile, IsRefusedInOneSentenceWithThePlace) {
  try {
    (void)parse_scores_file(GetParam().text, "s");
    FAIL() << "was accepted";
  } catch (const InputError& error) {
    const std::string what = error.what();
    EXPECT_EQ(what.find(std::string("s: ") + GetParam().sentence), 0U) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadScoresFile,
    testing::Values(
        Bad{"", "is empty"}, Bad{"\n\n", "is empty"}, Bad{"model,score\n", "holds no scores"},
        Bad{"name,value\na,b\n", "line 1: there is no column of models and scores"},
        Bad{"model\nvgg\n", "line 1: there is no column of models and scores"},
        Bad{"model,score,score\n", "line 1: column 'score' appears twice"},
        Bad{"model,score\nvgg,high\n", "line 2: 'high' in the column 'score' is not a finite number"},
        Bad{"model,score\nvgg,nan\n", "line 2: 'nan' in the column 'score' is not a finite number"},
        Bad{"model,score\nvgg,\n", "line 2: '' in the column 'score' is not a finite number"},
        Bad{"model,score\nvgg,1,2\n", "line 2: 3 cells where the first line has 2"},
        Bad{"model,score\nvgg,1\nvgg,2\n", "line 3: model 'vgg' appears twice"},
        Bad{"model,score\n,1\n", "line 2: the model has no name"},
        Bad{"model,rank,score\nvgg,first,1\n", "line 2: 'first' in the column 'rank' is not a finite number"},
        Bad{"model,score\n\"vgg,1\n", "line 2: a quote is opened but never closed"},
        Bad{"{", "is not valid JSON (at byte 2)"}, Bad{"[]", "$.schema is missing, not text"},
        Bad{R"({"schema":"itm.rank/2"})", "has the schema 'itm.rank/2', not 'itm.rank/1'"},
        Bad{R"({"schema":"itm.rank/1"})", "$.results is missing, not a list"},
        Bad{R"({"schema":"itm.rank/1","results":{}})", "$.results is object, not a list"},
        Bad{R"({"schema":"itm.rank/1","results":[]})", "holds no scores"},
        Bad{R"({"schema":"itm.rank/1","results":[1]})", "results[0].dataset is missing, not text"},
        Bad{R"({"schema":"itm.rank/1","results":[{"dataset":"d","method":"m","models":[{"model":"a","score":null}]}]})",
            "results[0].models[0].score is null, not a number"},
        Bad{R"({"schema":"itm.rank/1","results":[{"dataset":"d","method":"m","models":[{"model":"a","score":1e999}]}]})",
            "holds the number 1e999, which is out of range"},
        Bad{R"({"schema":"itm.rank/1","results":[{"dataset":"d","method":"m","models":[
              {"model":"a","score":1},{"model":"a","score":1}]}]})",
            "results[0].models[1]: model 'a' appears twice"}));

TEST(ScoresFile, DeepNestingCannotExhaustTheStack) {
  EXPECT_THROW((void)parse_scores_file(std::string(1'000'000, '['), "s"), InputError);
  std::string closed(1'000'000, '[');
  closed.append(1'000'000, ']');
  EXPECT_THROW((void)parse_scores_file(closed, "s"), InputError);
}

TEST(ScoresFile, AMissingFileIsRefused) { EXPECT_THROW((void)read_scores_file("/nonexistent/scores.csv"), InputError); }

}  // namespace
}  // namespace itm
