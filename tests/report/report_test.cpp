// Ranks, and a report as JSON, CSV and table.

#include "itm/report.hpp"
#include "core/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "itm/estimator.hpp"
#include "report/scores_file.hpp"

namespace itm {
namespace {

ScoredModel scored(const std::string& model, double score, double tie_break = 0) {
  ScoredModel m;
  m.model = model;
  m.score = score;
  m.tie_break = tie_break;
  m.seconds = 0.25;
  return m;
}

/// Two data sets; on the first, two models tie in score and the tie break decides.
RankReport made_report() {
  RankReport report;
  RankedDataset digits{"digits", "itm", 0.75, {}, {}, {}};
  digits.models = {scored("vgg", 0.5, -2), scored("resnet, large", 0.9), scored("vit", 0.5, -1)};
  for (ScoredModel& m : digits.models) {
    m.details = {{"eta", 0.5123}, {"dispersion", 14.018}, {"rows", 1190}, {"classes", 34}};
  }
  assign_ranks(digits);
  RankedDataset math{"math", "itm", 0.75, {scored("vgg", 0.25), scored("vit", 0.75)}, {}, {}};
  assign_ranks(math);
  report.results = {digits, math};
  report.seconds = 1.26;
  report.threads = 2;
  return report;
}

GroundTruth made_truth() {
  GroundTruth truth;
  truth.datasets = {"digits"};
  truth.accuracy["digits"] = {{"vgg", 70.0}, {"resnet, large", 91.5}, {"unrelated", 3.0}};
  return truth;
}

std::vector<std::string> order_of(const RankedDataset& result) {
  std::vector<std::string> names;
  for (const ScoredModel& m : result.models) {
    names.push_back(std::to_string(m.rank) + " " + m.model);
  }
  return names;
}

TEST(Ranks, ScoreThenTieBreakThenNameAndSharedWhenBothAreEqual) {
  RankedDataset result;
  result.models = {scored("c", 1, -2), scored("d", 1, -1), scored("b", 0.5), scored("a", 0.5), scored("e", 0.1)};
  assign_ranks(result);
  EXPECT_EQ(order_of(result), (std::vector<std::string>{"1 d", "2 c", "3 a", "3 b", "5 e"}));
}

TEST(Ranks, AScoreThatIsNotANumberComesLast) {
  RankedDataset result;
  result.models = {scored("a", std::nan("")), scored("b", -5), scored("c", std::nan(""))};
  assign_ranks(result);
  EXPECT_EQ(order_of(result), (std::vector<std::string>{"1 b", "2 a", "2 c"}));
}

TEST(AddAgreement, MatchesModelsByNameAndListsThoseWithoutTruth) {
  RankReport report = made_report();
  add_agreement(report, made_truth());
  const RankedDataset& digits = report.results[0];
  ASSERT_TRUE(digits.agreement);
  EXPECT_EQ(digits.agreement->models, 2U);
  EXPECT_EQ(digits.agreement->tau_w, 1.0);
  EXPECT_EQ(digits.truth_missing, std::vector<std::string>{"vit"});
  EXPECT_EQ(digits.models[0].truth, 91.5);
  EXPECT_FALSE(digits.models[1].truth);
  EXPECT_FALSE(report.results[1].agreement) << "math has no truth";
}

/// A score is held against what the models' past alone says: here the past knows the order and the score does not.
TEST(AddAgreement, AFixedOrderStandsBesideTheScore) {
  RankReport report;
  RankedDataset result;
  result.dataset = "pets";
  result.method = "itm";
  for (const auto& [name, score] : std::vector<std::pair<std::string, double>>{{"a", 1}, {"b", 3}, {"c", 2}}) {
    ScoredModel model;
    model.model = name;
    model.score = score;
    result.models.push_back(model);
  }
  assign_ranks(result);
  report.results.push_back(result);
  GroundTruth truth;
  truth.datasets = {"pets", "cars", "dogs"};
  truth.accuracy["pets"] = {{"a", 90}, {"b", 80}, {"c", 70}};
  truth.accuracy["cars"] = {{"a", 60}, {"b", 50}, {"c", 40}};
  truth.accuracy["dogs"] = {{"a", 0.9}, {"b", 0.8}};
  add_agreement(report, truth);
  EXPECT_DOUBLE_EQ(*report.results[0].agreement->fixed_order, 1);
  EXPECT_LT(*report.results[0].agreement->tau_w, 1);
  EXPECT_NE(to_table(report, false).find("fixed order 1.000"), std::string::npos);
  EXPECT_NE(to_html(report).find("fixed order"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(to_json(report))["results"][0]["agreement"]["fixed_order"], 1);

  truth.accuracy = {{"pets", truth.accuracy["pets"]}};
  add_agreement(report, truth);
  EXPECT_FALSE(report.results[0].agreement->fixed_order.has_value()) << "there is no other data set";
}

TEST(AddAgreement, TheTieBreakCounts) {
  RankReport report = made_report();
  GroundTruth truth = made_truth();
  truth.accuracy["digits"] = {{"vgg", 60.0}, {"vit", 70.0}, {"resnet, large", 80.0}};
  add_agreement(report, truth);
  EXPECT_EQ(report.results[0].agreement->tau_w, 1.0);
  EXPECT_EQ(report.results[0].agreement->kendall, 1.0);
}

TEST(ReportJson, FollowsTheSchema) {
  RankReport report = made_report();
  add_agreement(report, made_truth());
  report.failures.push_back({"math", "broken", "itm", "zoo/x.npy: row 3 is NaN; extract it again"});
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["schema"], "itm.rank/1");
  EXPECT_EQ(json["threads"], 2);
  EXPECT_EQ(json["backend"], "cpu");
  const auto& digits = json["results"][0];
  EXPECT_EQ(digits["dataset"], "digits");
  EXPECT_EQ(digits["method"], "itm");
  EXPECT_EQ(digits["seconds"], 0.75);
  EXPECT_EQ(digits["models"][0]["model"], "resnet, large");
  EXPECT_EQ(digits["models"][0]["rank"], 1);
  EXPECT_EQ(digits["models"][0]["score"], 0.9);
  EXPECT_EQ(digits["models"][0]["seconds"], 0.25);
  EXPECT_EQ(digits["models"][0]["details"]["eta"], 0.5123);
  for (const char* key : {"tau_w", "tau_w_scipy", "kendall", "spearman", "pearson", "rel_at_1"}) {
    EXPECT_TRUE(digits["agreement"][key].is_number()) << key;
  }
  EXPECT_FALSE(json["results"][1].contains("agreement"));
  EXPECT_EQ(json["failures"][0]["model"], "broken");
}

TEST(ReportJson, UndefinedFiguresAreNull) {
  RankReport report = made_report();
  GroundTruth truth;
  truth.accuracy["digits"] = {{"vgg", 50.0}};
  add_agreement(report, truth);
  report.results[1].models[0].score = std::nan("");
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_TRUE(json["results"][0]["agreement"]["tau_w"].is_null());
  EXPECT_TRUE(json["results"][0]["agreement"]["pearson"].is_null());
  EXPECT_TRUE(json["results"][1]["models"][0]["score"].is_null());
}

TEST(ReportJson, SurvivesNamesThatAreNotUtf8) {
  RankReport report = made_report();
  report.results[0].models[0].model = "caf\xE9";
  EXPECT_TRUE(nlohmann::json::accept(to_json(report)));
}

TEST(ReportCsv, QuotesAndRoundTrips) {
  RankReport report = made_report();
  add_agreement(report, made_truth());
  EXPECT_EQ(to_csv(report),
            "dataset,method,rank,model,score,truth,seconds,error,group,backend,device,precision\n"
            "digits,itm,1,\"resnet, large\",0.9,91.5,0.250000,,1,cpu,,\n"
            "digits,itm,2,vit,0.5,,0.250000,,2,cpu,,\n"
            "digits,itm,3,vgg,0.5,70,0.250000,,3,cpu,,\n"
            "math,itm,1,vit,0.75,,0.250000,,1,cpu,,\n"
            "math,itm,2,vgg,0.25,,0.250000,,2,cpu,,\n");
}

TEST(ReportFiles, JsonAndCsvReadBackAsTheSameScores) {
  const RankReport report = made_report();
  for (const std::string& text : {to_json(report), to_csv(report)}) {
    const ScoresFile scores = parse_scores_file(text, "results");
    ASSERT_EQ(scores.tables.size(), 2U);
    for (std::size_t t = 0; t < 2; ++t) {
      const RankedDataset& want = report.results[t];
      EXPECT_EQ(scores.tables[t].dataset, want.dataset);
      EXPECT_EQ(scores.tables[t].method, want.method);
      ASSERT_EQ(scores.tables[t].models.size(), want.models.size());
      for (std::size_t m = 0; m < want.models.size(); ++m) {
        EXPECT_EQ(scores.tables[t].models[m].model, want.models[m].model);
        EXPECT_EQ(scores.tables[t].models[m].score, want.models[m].score);
        EXPECT_EQ(scores.tables[t].models[m].order, -want.models[m].rank);
      }
    }
  }
}

TEST(ReportTable, ReadsAtAGlance) {
  RankReport report = made_report();
  report.results.pop_back();
  add_agreement(report, made_truth());
  EXPECT_EQ(
      to_table(report, false),
      "digits  itm, 1,190 rows, 34 classes\n"
      "  rank  model            score  truth    eta    dis  seconds\n"
      "     1  resnet, large  90.00 %  91.50  0.512  14.02     0.25\n"
      "     2  vit            50.00 %      -  0.512  14.02     0.25\n"
      "     3  vgg            50.00 %  70.00  0.512  14.02     0.25\n"
      "  tau_w 1.000   scipy 1.000   Kendall 1.000   Spearman 1.000   Pearson 1.000   Rel@1 1.000   Rel@3 1.000   "
      "(an order of 2 models says little)\n"
      "  no truth for vit\n"
      "\n"
      "digits: the truth has 1 model that is not in the zoo\n"
      "\n"
      "3 models, 1 data set, 1.3 s on 2 threads; best: resnet, large\n");
}

TEST(ReportTable, SeveralDataSetsEndInAnOverview) {
  RankReport report = made_report();
  GroundTruth truth = made_truth();
  truth.accuracy["math"] = {{"vgg", 90.0}, {"vit", 40.0}};
  add_agreement(report, truth);
  const std::string text = to_table(report, false);
  EXPECT_NE(text.find("  tau_w      itm\n"
                      "  digits   1.000\n"
                      "  math    -1.000\n"
                      "  mean     0.000\n"
                      "\n"
                      "digits: fine-tune resnet, large\n"
                      "math: fine-tune vit\n"
                      "3 models, 2 data sets, 1.3 s on 2 threads\n"),
            std::string::npos)
      << text;
}

TEST(ReportTable, ModelsThatCannotBeToldApartShareALetterAndTheAdvice) {
  RankReport report = made_report();
  report.results.pop_back();
  RankedDataset& result = report.results.front();
  for (ScoredModel& model : result.models) {
    model.error = 0.02;
  }
  result.models[1].score = 0.86;
  assign_ranks(result);
  const std::string text = to_table(report, false);
  EXPECT_NE(text.find("  rank  model            score  error  same    eta    dis  seconds\n"
                      "     1  resnet, large  90.00 %  ± 2.0  a     0.512  14.02     0.25\n"
                      "     2  vit            86.00 %  ± 2.0  a     0.512  14.02     0.25\n"
                      "     3  vgg            50.00 %  ± 2.0  b     0.512  14.02     0.25\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("best: resnet, large, vit (cannot be told apart)"), std::string::npos) << text;
}

TEST(Groups, AreHeldAgainstTheErrorOfTheDifference) {
  ScoredModel a = scored("a", 1.00);
  ScoredModel b = scored("b", 0.90);
  EXPECT_TRUE(can_tell_apart(a, b)) << "no error is known";
  a.error = b.error = 0.04;
  EXPECT_FALSE(can_tell_apart(a, b)) << "0.10 is less than 1.96 times 0.057";
  a.replicates = {1.02, 0.98, 1.03, 0.97};
  b.replicates = {0.92, 0.88, 0.93, 0.87};
  EXPECT_TRUE(can_tell_apart(a, b)) << "whatever moves one moves the other";
  b.replicates = {0.87, 0.93, 0.88, 0.92};
  EXPECT_FALSE(can_tell_apart(a, b));
}

TEST(Consensus, IsTheMeanNormalScoreOverTheMethodsThatScoredAModel) {
  RankReport report;
  for (const char* method : {"logme", "parc"}) {
    RankedDataset result;
    result.dataset = "d";
    result.method = method;
    result.models = {scored("a", 3), scored("b", 2), scored("c", 1)};
    report.results.push_back(result);
  }
  report.results[1].models.erase(report.results[1].models.begin());
  for (RankedDataset& result : report.results) {
    assign_ranks(result);
  }
  const std::vector<Consensus> views = consensus_of(report);
  ASSERT_EQ(views.size(), 1U);
  ASSERT_EQ(views[0].models.size(), 3U);
  EXPECT_EQ(views[0].models[0].model, "a");
  EXPECT_EQ(views[0].models[0].methods, 1U);
  EXPECT_NEAR(views[0].models[0].score, normal_score(1, 3), 1e-12);
  EXPECT_EQ(views[0].models[1].model, "b");
  EXPECT_NEAR(views[0].models[1].score, (normal_score(2, 3) + normal_score(1, 2)) / 2, 1e-12);
  report.results[0].agreement = report.results[1].agreement = Agreement{};
  EXPECT_NE(to_table(report, false).find("parc *"), std::string::npos) << "it did not score every model";
  report.results.pop_back();
  EXPECT_TRUE(consensus_of(report).empty()) << "one method is no consensus";
}

TEST(Consensus, EqualScoresAreTiesWhateverBreaksThemElsewhere) {
  RankReport report;
  for (const char* method : {"itm", "knn"}) {
    RankedDataset result;
    result.dataset = "d";
    result.method = method;
    result.models = {scored("a", 0.5, -2), scored("b", 0.5, -1), scored("c", 0.25, 0)};
    assign_ranks(result);
    EXPECT_EQ(result.models[0].model, "b") << "the ranking has no ties";
    report.results.push_back(result);
  }
  const Consensus view = consensus_of(report).at(0);
  EXPECT_EQ(view.models[0].score, view.models[1].score);
  EXPECT_EQ(view.models[1].rank, 1);
  EXPECT_EQ(view.models[2].rank, 3);
}

TEST(ReportTable, ColourNeverChangesTheText) {
  RankReport report = made_report();
  add_agreement(report, made_truth());
  report.failures.push_back({"math", "broken", "itm", "zoo/x.npy: row 3 is NaN; extract it again"});
  std::string coloured = to_table(report, true);
  EXPECT_NE(coloured.find('\x1b'), std::string::npos);
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  EXPECT_EQ(coloured, to_table(report, false));
}

TEST(ReportTable, FileNamesCannotPlayWithTheTerminal) {
  RankReport report = made_report();
  report.results[0].models[0].model = "evil\x1b[2J";
  EXPECT_EQ(to_table(report, false).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace itm
