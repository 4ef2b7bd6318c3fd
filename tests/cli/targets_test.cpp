// Targets from the command line: ranked, scored, inspected, compared, and refused where a method has no use for them.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "made_array.hpp"
#include "made_zoo.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

class TargetsOnTheCommandLine : public ::testing::Test {
 protected:
  TargetsOnTheCommandLine() : zoo_(folder_.path().string()) {
    const MadeData data = made_data(80, 6, 4, 1.5, 3);
    MadeData noise = made_data(80, 6, 1, 0, 4);
    const std::size_t shape[] = {80, 6};
    write_npy<float>(folder_ / "good_depth_feature.npy", data.values, shape);
    write_npy<float>(folder_ / "poor_depth_feature.npy", noise.values, shape);
    std::vector<double> numbers;
    for (std::size_t i = 0; i < 80; ++i) {
      for (std::size_t t = 0; t < 3; ++t) {
        numbers.push_back(data.values[i * 6 + t] + 0.1 * data.values[i * 6 + t + 1]);
      }
    }
    write(numbers);
  }
  void write(const std::vector<double>& numbers) {
    const std::size_t shape[] = {80, numbers.size() / 80};
    write_npy<double>(folder_ / "depth_target.npy", numbers, shape);
  }
  TemporaryFolder folder_;
  std::string zoo_;
};

TEST_F(TargetsOnTheCommandLine, AreRankedByTheMethodsThatTakeThem) {
  const Finished run = run_itm({"rank", zoo_, "--method", "all", "--format", "json"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Json json = Json::parse(run.out);
  ASSERT_EQ(json["results"].size(), 4U);
  for (const Json& result : json["results"]) {
    EXPECT_EQ(result["models"][0]["model"], "good") << result["method"];
    EXPECT_TRUE(result["remarks"].dump().find("predicts 3 numbers of a row") != std::string::npos) << result["remarks"];
  }
  const Finished refused = run_itm({"rank", zoo_, "--method", "itm"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(
      refused.err.find("depth_target.npy: holds numbers to be predicted, which itm does not score; logme, parc, knn "
                       "and linear_probe do"),
      std::string::npos)
      << refused.err;
  const Finished inspected = run_itm({"inspect", zoo_});
  EXPECT_EQ(inspected.status, 0) << inspected.out;
  EXPECT_NE(inspected.out.find("80 rows, 3 numbers each"), std::string::npos) << inspected.out;
}

TEST_F(TargetsOnTheCommandLine, OfOneModelAreScored) {
  const Finished run = run_itm({"score", "--method", "linear_probe", "--feature", zoo_ + "/good_depth_feature.npy",
                                "--target", zoo_ + "/depth_target.npy"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_NE(run.out.find("linear_probe_target_r2"), std::string::npos) << run.out;
  const Finished refused = run_itm({"score", "--method", "sfda", "--feature", zoo_ + "/good_depth_feature.npy",
                                    "--target", zoo_ + "/depth_target.npy"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("which sfda does not score; logme, parc, knn and linear_probe do"), std::string::npos)
      << refused.err;
}

TEST_F(TargetsOnTheCommandLine, ThatAreZerosAndOnesAreLabels) {
  std::vector<double> labels;
  for (std::size_t i = 0; i < 80; ++i) {
    labels.push_back(i % 4 < 2 ? 1 : 0);
    labels.push_back(i % 4 == 3 ? 1 : 0);
  }
  write(labels);
  const Finished run = run_itm({"rank", zoo_, "--method", "linear_probe,transrate"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_NE(
      run.out.find("predicts 2 labels of a row, each 0 or 1; scores are the mean area under the labels' ROC curves"),
      std::string::npos)
      << run.out;
}

TEST_F(TargetsOnTheCommandLine, OfDamagedFilesAreRefusedInOneSentence) {
  const std::string file = zoo_ + "/depth_target.npy";
  const std::string whole = text_of(file);
  for (const std::string& text : {std::string(), whole.substr(0, 40), whole.substr(0, 500), "x" + whole}) {
    write_text(file, text);
    const Finished run = run_itm({"rank", zoo_, "--method", "logme"});
    EXPECT_EQ(run.status, 2) << text.size();
    EXPECT_NE(run.err.find("depth_target.npy"), std::string::npos) << run.err;
  }
}

}  // namespace
}  // namespace itm::testing
