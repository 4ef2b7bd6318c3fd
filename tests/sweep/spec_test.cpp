// The spec of a sweep as a file.

#include <gtest/gtest.h>

#include "made_sweep.hpp"

namespace itm::testing {
namespace {

class Spec : public ::testing::Test {
 protected:
  SweepSpec read(const std::string& text) {
    write_text(file_, text);
    return read_sweep_spec(file_);
  }
  std::string refused(const std::string& text) {
    return refusal([&] { (void)read(text); });
  }
  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "sweep.json";
};

TEST_F(Spec, KeepsTheOrderOfItsSettingsAndFindsFilesBesideIt) {
  const SweepSpec spec = read(R"({"schema": "itm.sweep/1", "zoo": "zoo", "truth": "truth.csv", "datasets": ["pets"],
    "methods": ["itm", "logme"], "settings": {"eta": [0.25, 0.5], "adaptive": false, "batch-size": 64}})");
  EXPECT_EQ(spec.zoo, folder_ / "zoo");
  EXPECT_EQ(spec.truth, folder_ / "truth.csv");
  EXPECT_EQ(spec.datasets, std::vector<std::string>{"pets"});
  EXPECT_EQ(spec.methods, (std::vector<std::string>{"itm", "logme"}));
  const std::vector<std::pair<std::string, std::vector<SettingValue>>> settings{
      {"eta", {0.25, 0.5}}, {"adaptive", {"off"}}, {"batch-size", {64.0}}};
  EXPECT_EQ(spec.settings, settings);
}

TEST_F(Spec, NeedsOnlyAZoo) {
  const SweepSpec spec = read(R"({"schema": "itm.sweep/1", "zoo": "/elsewhere"})");
  EXPECT_EQ(spec.zoo, "/elsewhere");
  EXPECT_EQ(spec.methods, std::vector<std::string>{"itm"});
  EXPECT_TRUE(spec.truth.empty() && spec.datasets.empty() && spec.settings.empty());
}

TEST_F(Spec, RefusesWhatItDoesNotUnderstand) {
  EXPECT_PRED2(says, refused("{"), "sweep.json: is not valid JSON (at byte 2)");
  EXPECT_PRED2(says, refused("[]"), "is no sweep; it needs \"schema\": \"itm.sweep/1\"");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.rank/1"})"), "is no sweep");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1"})"), "has no \"zoo\"");
  EXPECT_PRED2(
      says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "seeds": [1]})"),
      "sweep.json: line 1: the key 'seeds' is unknown; choose among: schema, zoo, truth, datasets, methods, settings");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": 3})"), "\"zoo\" is 3; it takes a text");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "methods": []})"), "\"methods\" is []");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "settings": [1]})"), "is no object");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "settings": {"eta": []}})"),
               "the setting 'eta' has no value");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "settings": {"eta": [null]}})"),
               "the setting 'eta' has the value null");
  EXPECT_PRED2(says, refusal([&] { (void)read_sweep_spec(folder_ / "absent.json"); }), "no such file");
}

/// Whoever refuses it, the reader of the file or the plan that is made of it.
TEST_F(Spec, NamesTheLineOfWhatIsWrong) {
  write_small_zoo(folder_.path(), "made");
  const auto planned = [&](const std::string& methods, const std::string& settings) {
    const std::string text = "{\n  \"schema\": \"itm.sweep/1\",\n  \"zoo\": \".\",\n  \"methods\": " + methods +
                             ",\n  \"settings\": {\n    " + settings + "\n  }\n}\n";
    return refusal([&] { (void)plan_sweep(read(text)); });
  };
  const std::string start = file_.string();
  EXPECT_EQ(planned("[\"itm\"]", "\"seed\": 1,\n    \"eta\": [0.5, 7]"),
            start + ": line 7: eta: 7 is not a number from 0 to 1");
  EXPECT_EQ(planned("[\"itm\"]", "\"eta\": [\n      0.5,\n      7\n    ]"),
            start + ": line 8: eta: 7 is not a number from 0 to 1");
  EXPECT_PRED2(says, planned("[\"itm\"]", "\"eta\": 0.5,\n    \"etta\": 1"),
               start + ": line 7: there is no setting 'etta'");
  EXPECT_EQ(planned("[\"itm\"]", "\"eta\": [0.5, 0.5]"),
            start + ": line 6: the setting eta: '0.5' stands there twice; name it once");
  EXPECT_EQ(planned("[\"logme\"]", "\"eta\": 0.5"),
            start + ": line 6: the setting eta changes nothing for logme; leave it out or add a method that has it");
  EXPECT_PRED2(says, planned("[\n    \"itm\",\n    \"logne\"\n  ]", "\"eta\": 0.5"),
               start + ": line 6: there is no method 'logne'; did you mean logme?");
  EXPECT_PRED2(says, planned("[\"itm\"]", "\"eta\": null"), start + ": line 6: the setting 'eta' has the value null");
  EXPECT_EQ(planned("[\"itm\"]", "\"eta\": [0.5"),
            start + ": is not valid JSON (at byte 100, in line 7); name the JSON file of a sweep");
}

TEST_F(Spec, NamesTheLineOfADataSetAndOfAFolderThatAreNotThere) {
  write_small_zoo(folder_.path(), "made");
  const std::string start = "{\"schema\": \"itm.sweep/1\",\n\"zoo\": ";
  const auto planned = [&](const std::string& rest) { return refusal([&] { (void)plan_sweep(read(start + rest)); }); };
  EXPECT_PRED2(says, planned("\".\",\n\"datasets\": [\"made\",\n\"pets\"]}"), file_.string() + ": line 4: ");
  EXPECT_PRED2(says, planned("\"absent\"}"), file_.string() + ": line 2: " + (folder_ / "absent").string());
  EXPECT_PRED2(says, planned("\".\",\n\n\"truth\": \"absent.csv\"}"), file_.string() + ": line 4: ");
}

}  // namespace
}  // namespace itm::testing
