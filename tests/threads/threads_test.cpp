// Any number of threads gives the same bits. A program of its own: the only one of the command line that TSan builds.

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/run_itm.hpp"
#include "itm/estimator.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

/// The results without what differs from run to run.
Json without_times(const std::string& text) {
  Json json = Json::parse(text);
  json.erase("seconds");
  json.erase("threads");
  json.erase("record");
  for (Json& result : json["results"]) {
    result.erase("seconds");
    for (Json& model : result["models"]) {
      model.erase("seconds");
    }
  }
  return json;
}

TEST(Threads, AreNotSeenInARankingOfTheSameSeed) {
  const TemporaryFolder folder;
  const std::string zoo = folder.path().string();
  write_small_zoo(folder.path());
  write_text(folder / "truth.csv", "model,made\ngood,95\nfair,70\npoor,30\n");
  const auto ranked = [&](const std::string& threads, const std::string& seed) {
    const Finished run = run_itm({"rank", zoo, "--truth", zoo + "/truth.csv", "--bootstrap", "20", "--repeats", "2",
                                  "--format", "json", "--threads", threads, "--seed", seed});
    EXPECT_EQ(run.status, 0) << run.err;
    return without_times(run.out);
  };
  const Json one = ranked("1", "5");
  EXPECT_EQ(one, ranked("2", "5"));
  EXPECT_EQ(one, ranked("3", "5"));
  EXPECT_NE(one["results"], ranked("1", "6")["results"]) << "the seed has no effect";
}

TEST(Threads, AreNotSeenInTheScoresOfAnyMethod) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  const std::size_t logits[] = {150, 7};
  for (const char* model : {"good", "fair", "poor"}) {
    write_npy<float>(folder / (std::string(model) + "_made_output.npy"), made_data(150, 7, 5, 1.0, 9).values, logits);
  }
  const std::size_t shape[] = {40, 24};
  write_npy<float>(folder / "good_source_feature.npy", made_data(40, 24, 5, 1.0, 9).values, shape);
  const auto scores = [&](const char* threads) {
    Json json =
        json_of({"rank", folder.path().string(), "--method", "all", "--iterations", "20", "--threads", threads});
    std::map<std::string, double> all;
    for (const Json& result : json["results"]) {
      for (const Json& model : result["models"]) {
        all[result["method"].get<std::string>() + " " + model["model"].get<std::string>()] = model["score"];
      }
    }
    return all;
  };
  const auto one = scores("1");
  EXPECT_GE(one.size(), 3 * (estimators().size() - 1) + 1);
  EXPECT_EQ(one, scores("4"));
}

}  // namespace
}  // namespace itm::testing
