// A result is a record: it says what was run on which data, and `itm rank --from` runs it again.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "made_zoo.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

class RecordOfARun : public ::testing::Test {
 protected:
  RecordOfARun() : zoo_(folder_.path().string()), file_(zoo_ + "/result.json") {
    write_small_zoo(folder_.path());
    write_text(folder_ / "truth.csv", "model,made\ngood,95\nfair,70\npoor,30\n");
  }
  /// A ranking with more than defaults, in result.json.
  Json first_run() {
    const Finished run =
        run_itm({"rank", zoo_, "--method", "itm,knn", "--exclude", "po*", "--iterations", "50", "--rows", "90",
                 "--seed", "3", "--knn-k", "7", "--drop-bad-rows", "--truth", zoo_ + "/truth.csv", "--out", file_});
    EXPECT_EQ(run.status, 0) << run.err;
    return Json::parse(text_of(file_));
  }
  /// Scores by method and model.
  static Json scores_of(const Json& json) {
    Json scores;
    for (const Json& result : json["results"]) {
      for (const Json& model : result["models"]) {
        scores[result["method"].get<std::string>()][model["model"].get<std::string>()] = model["score"];
      }
    }
    return scores;
  }
  TemporaryFolder folder_;
  std::string zoo_;
  std::string file_;
};

TEST_F(RecordOfARun, WithATimeBudgetIsRepeatedWithTheSameRows) {
  const Words words{"rank", zoo_, "--method", "knn", "--time-budget", "1000", "--out", file_};
  ASSERT_EQ(run_itm(words).status, 0);
  const Json again = json_of({"rank", "--from", file_});
  EXPECT_EQ(scores_of(again), scores_of(Json::parse(text_of(file_))));
  EXPECT_EQ(again["record"]["options"]["--time-budget"], "1000");
  const Finished both = run_itm({"rank", zoo_, "--time-budget", "5", "--rows", "90"});
  EXPECT_EQ(both.status, 2);
  EXPECT_NE(both.err.find("leave out --rows, or the budget"), std::string::npos) << both.err;
}

/// The split is part of the data: its file is in the fingerprint, and the run is repeated with it.
TEST_F(RecordOfARun, HasTheSplit) {
  std::string split;
  for (int i = 0; i < 150; ++i) {
    split += i % 3 == 0 ? "val\n" : "train\n";
  }
  const std::string mine = zoo_ + "/mine.txt";
  write_text(mine, split);
  const auto data_of = [](const Json& json) { return json["record"]["data"][0]["fingerprint"]; };
  const Json plain = json_of({"rank", zoo_, "--method", "knn"});
  ASSERT_EQ(run_itm({"rank", zoo_, "--method", "knn", "--split", mine, "--out", file_}).status, 0);
  const Json first = Json::parse(text_of(file_));
  EXPECT_NE(data_of(first), data_of(plain));
  EXPECT_EQ(first["record"]["options"]["--split"], mine);
  EXPECT_EQ(first["results"][0]["models"][0]["error_from"], "50 validation rows");
  const Json again = json_of({"rank", "--from", file_});
  EXPECT_EQ(scores_of(again), scores_of(first));
  split[0] = 't';  // "tal"
  write_text(mine, split);
  const Finished bad = run_itm({"rank", "--from", file_});
  EXPECT_EQ(bad.status, 2);
  EXPECT_NE(bad.err.find("row 0 is 'tal'"), std::string::npos) << bad.err;
  split.replace(0, 3, "train");
  write_text(mine, split);
  const Finished other = run_itm({"rank", "--from", file_});
  EXPECT_EQ(other.status, 0);
  EXPECT_NE(other.err.find("features or labels are others"), std::string::npos) << other.err;
}

TEST_F(RecordOfARun, SaysWhatWasRunOnWhichData) {
  const Json record = first_run()["record"];
  EXPECT_EQ(record["command"], "rank");
  EXPECT_EQ("itm " + record["version"].get<std::string>(), run_itm({"--version"}).out.substr(0, 9));
  EXPECT_EQ(record["seed"], 3);
  const std::string date = record["date"];
  EXPECT_EQ(date.size(), 20U) << date;
  EXPECT_TRUE(date.starts_with("20") && date.ends_with("Z")) << date;
  const Json& options = record["options"];
  EXPECT_EQ(options["zoo"], zoo_);
  EXPECT_EQ(options["--method"], (Json{"itm", "knn"}));
  EXPECT_EQ(options["--knn-k"], "7");
  EXPECT_EQ(options["--drop-bad-rows"], "true");
  EXPECT_EQ(options["--batch-size"], "256") << "defaults count: another version may have others";
  EXPECT_FALSE(options.contains("--out"));
  ASSERT_EQ(record["data"].size(), 1U);
  EXPECT_EQ(record["data"][0]["dataset"], "made");
  EXPECT_EQ(record["data"][0]["models"], 2);
  EXPECT_EQ(record["data"][0]["rows"], 150);
  EXPECT_EQ(record["data"][0]["fingerprint"].get<std::string>().size(), 32U);
}

TEST_F(RecordOfARun, IsRunAgainByFrom) {
  const Json before = first_run();
  const Json again = json_of({"rank", "--from", file_});
  EXPECT_EQ(scores_of(again), scores_of(before));
  EXPECT_EQ(again["results"][0]["agreement"], before["results"][0]["agreement"]);
  EXPECT_EQ(again["record"]["options"], before["record"]["options"]);
  EXPECT_EQ(again["record"]["data"], before["record"]["data"]);
}

TEST_F(RecordOfARun, OptionsBesideFromWin) {
  const Json before = first_run();
  const Json other = json_of({"rank", "--seed", "4", "--from", file_, "--method", "knn", "--exclude", "fair"});
  EXPECT_EQ(other["record"]["seed"], 4);
  EXPECT_EQ(other["record"]["options"]["--knn-k"], "7");
  EXPECT_EQ(other["results"].size(), 1U);
  EXPECT_EQ(scores_of(other)["knn"].size(), 2U) << "good and poor";
}

TEST_F(RecordOfARun, StandsInTheCsvToo) {
  first_run();
  const std::string csv = zoo_ + "/result.csv";
  ASSERT_EQ(run_itm({"rank", "--from", file_, "--out", csv}).status, 0);
  const std::string text = text_of(csv);
  EXPECT_TRUE(
      text.starts_with("dataset,method,rank,model,score,truth,seconds,error,group,backend,device,precision,"
                       "record\nmade,itm,1,"))
      << text;
  EXPECT_EQ(scores_of(json_of({"rank", "--from", csv})), scores_of(Json::parse(text_of(file_))));
  EXPECT_EQ(json_of({"correlate", "--scores", csv, "--truth", zoo_ + "/truth.csv"})["results"].size(), 2U)
      << "other commands read it as before";
}

TEST_F(RecordOfARun, StandsOnThePage) {
  const std::string page = zoo_ + "/page.html";
  first_run();
  ASSERT_EQ(run_itm({"rank", "--from", file_, "--html", page}).status, 0);
  const std::string text = text_of(page);
  const std::string fingerprint = Json::parse(text_of(file_))["record"]["data"][0]["fingerprint"];
  EXPECT_NE(text.find("<details id=\"record\">"), std::string::npos);
  EXPECT_NE(text.find("2 models of 150 rows, " + fingerprint), std::string::npos);
  EXPECT_NE(text.find("<dt>--knn-k</dt><dd>7</dd>"), std::string::npos);
}

TEST_F(RecordOfARun, ReplacesItsResultOnlyWhenAsked) {
  const Json before = first_run();
  const Finished refused = run_itm({"rank", "--from", file_, "--out", file_});
  EXPECT_EQ(refused.err, "itm: --out " + file_ + ": is there already; pass --force to replace it\n");
  EXPECT_EQ(run_itm({"rank", "--from", file_, "--out", file_, "--force"}).status, 0);
  EXPECT_EQ(scores_of(Json::parse(text_of(file_))), scores_of(before));
}

TEST_F(RecordOfARun, DataThatChangedAreNamed) {
  const std::string date = first_run()["record"]["date"];
  EXPECT_EQ(run_itm({"rank", "--from", file_}).err, "");
  write_entry(folder_.path(), "fair", "made", made_data(150, 16, 5, 0.3, 2));
  EXPECT_EQ(run_itm({"rank", "--from", file_}).err,
            "itm: made: features or labels are others than those of " + date + "\n");
}

TEST_F(RecordOfARun, OfAnotherKindIsRefused) {
  const std::string score = zoo_ + "/score.json";
  ASSERT_EQ(run_itm({"score", "--method", "knn", "--feature", zoo_ + "/good_made_feature.npy", "--label",
                     zoo_ + "/good_made_label.npy", "--out", score})
                .status,
            0);
  EXPECT_EQ(run_itm({"rank", "--from", score}).err,
            "itm: --from " + score + ": is a result of itm score; give one of itm rank\n");
  write_text(folder_ / "old.json", R"({"schema": "itm.rank/1", "results": []})");
  EXPECT_EQ(run_itm({"rank", "--from", zoo_ + "/old.json"}).err,
            "itm: " + zoo_ +
                "/old.json: holds no record of how it was made; give the JSON or CSV of a result of this version or a "
                "later one\n");
  Json future = first_run();
  future["record"]["options"]["--flux"] = "1";
  write_text(file_, future.dump());
  EXPECT_TRUE(run_itm({"rank", "--from", file_})
                  .err.starts_with("itm: --from " + file_ + ": was made by itm 0.1.0 with --flux, which this one"));
  future["record"]["options"] = {{"--eta", "seven"}};
  write_text(file_, future.dump());
  EXPECT_EQ(run_itm({"rank", "--from", file_}).status, 2);
  future["record"]["options"] = 1;
  write_text(file_, future.dump());
  EXPECT_TRUE(
      run_itm({"rank", "--from", file_}).err.starts_with("itm: " + file_ + ": holds a record that is not whole"));
}

TEST_F(RecordOfARun, AFixedDateMakesTwoRunsEqual) {
  const std::string run = "SOURCE_DATE_EPOCH=86400 " + binary() + " inspect " + zoo_ + " --format json";
  const Finished one = RunningItm({"-c", run}, "/bin/sh").wait();
  const Json record = Json::parse(one.out)["record"];
  EXPECT_EQ(record["date"], "1970-01-02T00:00:00Z");
  EXPECT_EQ(record["data"][0]["models"], 3);
  EXPECT_EQ(RunningItm({"-c", run}, "/bin/sh").wait().out, one.out);
}

TEST_F(RecordOfARun, KnowsTheZooThatStandsBehindADataSet) {
  const Json options = json_of({"rank", "--method", "knn", "--dataset", "made", zoo_})["record"]["options"];
  EXPECT_EQ(options["zoo"], zoo_);
  EXPECT_EQ(options["--dataset"], "made");
}

}  // namespace
}  // namespace itm::testing
