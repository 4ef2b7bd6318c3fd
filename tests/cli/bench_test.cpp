// `itm bench paper` on cut-down shapes: what is measured, what stands beside it, and what is left out.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "itm/estimator.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

Json bench(std::vector<std::string> more) {
  std::vector<std::string> arguments{"bench",    "paper",     "--rows-limit", "60",       "--dataset",
                                     "cifar-10", "--backend", "cpu",          "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Finished run = run_itm(arguments);
  EXPECT_EQ(run.status, 0) << run.err;
  return Json::parse(run.out, nullptr, false);
}

TEST(Bench, FeedsEveryMethodAndSetsThePapersSecondsBesideThem) {
  const std::set<std::string> timed_by_the_paper{"itm", "logme", "nleep", "parc", "sfda", "ped", "etran"};
  const Json json = bench({"--iterations", "10"});
  ASSERT_EQ(json["datasets"].size(), 1U);
  EXPECT_EQ(json["models"], Json::parse(R"([{"model": "DINO-B16", "dims": 768}])"));
  EXPECT_EQ(json["datasets"][0]["rows"], 60);
  const Json& methods = json["datasets"][0]["methods"];
  ASSERT_EQ(methods.size(), estimators().size());
  EXPECT_EQ(methods[0]["method"], "itm");
  EXPECT_EQ(methods[0]["paper_seconds"], 7.90);
  for (const Json& method : methods) {
    EXPECT_TRUE(method["cpu_seconds"].is_number() && method["cpu_seconds"] > 0) << method;
    EXPECT_TRUE(method["gpu_seconds"].is_null()) << "no engine, no figure";
    EXPECT_EQ(method["paper_seconds"].is_number(), timed_by_the_paper.contains(method["method"].get<std::string>()))
        << method;
  }
  EXPECT_TRUE(json["gpu"].is_null());
}

TEST(Bench, AMethodThatDoesNotTakeAShapeIsLeftOutAndNamed) {
  const Finished run = run_itm(
      {"bench", "paper", "--rows-limit", "10", "--dataset", "cars", "--method", "nleep,logme", "--format", "csv"});
  EXPECT_EQ(run.status, 0);
  EXPECT_NE(run.err.find("nleep is left out on Cars"), std::string::npos) << run.err;
  EXPECT_NE(run.out.find("Cars,392,196,nleep,1,,,44.91\n"), std::string::npos) << run.out;
}

TEST(Bench, QuickLeavesOutWhatTakesLong) {
  const Finished run =
      run_itm({"bench", "paper", "--rows-limit", "20000", "--dataset", "cifar10", "--method", "nleep", "--quick"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_NE(run.out.find("nleep, CPU          -"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("not run"), std::string::npos) << run.out;
}

TEST(Bench, UnknownDataSetsAreNamed) {
  const Finished run = run_itm({"bench", "paper", "--dataset", "imagenet"});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("it has Cal101, Cars"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace itm::testing
