// `itm evolve` from end to end: the arrays, the maps and the page, and what it refuses.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/evolution.hpp"
#include "itm/itm.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

using Json = nlohmann::json;

class Evolve : public ::testing::Test {
 protected:
  void SetUp() override { write_small_zoo(folder_.path()); }
  [[nodiscard]] std::string file(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] Finished evolve(std::vector<std::string> more) const {
    std::vector<std::string> arguments{"evolve",
                                       "--feature",
                                       file("fair_made_feature.npy"),
                                       "--label",
                                       file("fair_made_label.npy"),
                                       "--model",
                                       "fair",
                                       "--out-dir",
                                       file("out"),
                                       "--perplexity",
                                       "10"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_itm(arguments);
  }
  TemporaryFolder folder_;
};

/// The arrays are E_n of parameters that the library gives for the same options.
TEST_F(Evolve, WritesEnOfEveryIteration) {
  const Finished run = evolve({"--at", "40,0", "--seed", "5", "--format", "json"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(names_in(folder_ / "out"), (std::vector<std::string>{"evolution.html", "evolved_0.npy", "evolved_40.npy",
                                                                 "label.npy", "map.csv", "row.npy"}));
  ItmOptions options;
  options.iterations = 40;
  options.seed = 5;
  const Array feature = read_array(file("fair_made_feature.npy"));
  const Labels labels = read_labels({file("fair_made_label.npy"), "label"});
  const FeatureStatistics statistics = measure_features(feature, labels, options.standardise);
  const ItmPlan plan = make_plan(labels, options);
  std::vector<ItmParameters> at{initial_parameters(16, 5, 5)};
  ItmObserver observer;
  ItmParameters last;
  observer.final_parameters = &last;
  (void)run_itm(feature, statistics, plan, options, 0.5, at.front(), {}, observer);
  at.push_back(last);
  std::vector<std::uint32_t> rows(150);
  std::iota(rows.begin(), rows.end(), 0U);
  const Json json = Json::parse(run.out);
  for (std::size_t k = 0; k < at.size(); ++k) {
    const Array written = read_array(folder_ / "out" / (k == 0 ? "evolved_0.npy" : "evolved_40.npy"));
    EXPECT_EQ(written.dtype(), DType::f32);
    ASSERT_EQ(written.shape(), (std::vector<std::size_t>{150, 5}));
    const std::vector<double> wanted = evolve_rows(feature, statistics, plan, options, 0.5, at[k], rows).evolved;
    const std::vector<double> found = written.to_doubles();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(found[i], static_cast<double>(static_cast<float>(wanted[i])));
    }
    EXPECT_EQ(json["iterations"][k]["map"].size(), 300U);
  }
  const std::vector<std::int64_t> wide(labels.values.begin(), labels.values.end());
  EXPECT_EQ(read_array(folder_ / "out" / "label.npy").to_integers(), wide);
}

TEST_F(Evolve, SamplesRowsBySeedAndRepeatsItself) {
  const auto rows_of = [&](const std::string& seed) {
    EXPECT_EQ(evolve({"--at", "0,5", "--rows", "60", "--seed", seed, "--force"}).status, 0);
    return read_array(folder_ / "out" / "row.npy").to_integers();
  };
  const auto rows = rows_of("1");
  const std::string map = text_of(folder_ / "out" / "map.csv");
  EXPECT_EQ(rows.size(), 60U);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  EXPECT_EQ(rows, rows_of("1"));
  EXPECT_EQ(map, text_of(folder_ / "out" / "map.csv"));
  EXPECT_EQ(map.rfind("iteration,row,label,x,y\n", 0), 0U);
  EXPECT_EQ(std::count(map.begin(), map.end(), '\n'), 121);
  EXPECT_NE(rows, rows_of("2"));
}

TEST_F(Evolve, ThePageHasAScatterPerIterationColouredByClass) {
  ASSERT_EQ(evolve({"--at", "0,5", "--threads", "2"}).status, 0);
  const std::string page = text_of(folder_ / "out" / "evolution.html");
  EXPECT_EQ(page.rfind("<!DOCTYPE html>", 0), 0U);
  const std::string opening = R"(id="data">)";
  const std::size_t from = page.find(opening) + opening.size();
  const Json data = Json::parse(page.substr(from, page.find("</script>", from) - from));
  ASSERT_EQ(data["sections"].size(), 3U);
  for (const std::size_t s : {1, 2}) {
    EXPECT_EQ(data["sections"][s]["kind"], "scatter");
    const Json& plot = data["sections"][s]["data"];
    EXPECT_EQ(plot["x"]["values"].size(), 150U);
    EXPECT_EQ(plot["groups"].size(), 150U);
    EXPECT_EQ(plot["groupNames"].size(), 5U);
    EXPECT_EQ(plot["groups"][7], 2) << "labels of a made data set go round";
  }
}

TEST_F(Evolve, RefusesBeforeItWritesAnything) {
  for (const auto& [more, says] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--at", "600"}, "--at 600: ITM trains for 500 iterations"},
           {{"--at", "ten"}, "'ten' is not a whole number"},
           {{"--at", "0", "--perplexity", "60"}, "150 rows are too few for a perplexity of 60"},
           {{"--at", "0", "--rows", "25"}, "25 rows are too few for a perplexity of 10"},
           {{"--label", "missing.npy"}, "missing.npy"}}) {
    // The last of a repeated option would be an error of its own: leave out the one given before.
    std::vector<std::string> arguments{"evolve", "--feature", file("fair_made_feature.npy"), "--out-dir", file("out")};
    const auto given = [&options = more](const char* option) {
      return std::find(options.begin(), options.end(), option) != options.end();
    };
    if (!given("--label")) arguments.insert(arguments.end(), {"--label", file("fair_made_label.npy")});
    if (!given("--perplexity")) arguments.insert(arguments.end(), {"--perplexity", "10"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished run = run_itm(arguments);
    EXPECT_EQ(run.status, 2) << says;
    EXPECT_NE(run.err.find(says), std::string::npos) << run.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  }
  write_text(folder_ / "out", "a file");
  const Finished run = evolve({});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("is a file; name a folder"), std::string::npos) << run.err;
}

TEST_F(Evolve, LabelsOfOtherImagesAreRefused) {
  write_entry(folder_.path(), "short", "made", made_data(120, 4, 5, 1.0, 1));
  const Finished run = run_itm({"evolve", "--feature", file("fair_made_feature.npy"), "--label",
                                file("short_made_label.npy"), "--out-dir", file("out")});
  EXPECT_EQ(run.status, 2);
  EXPECT_NE(run.err.find("150 rows, but there are 120 labels"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace itm::testing
