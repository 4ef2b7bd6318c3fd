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
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "seeds": [1]})"),
               "has the unknown key 'seeds'; choose among: schema, zoo, truth, datasets, methods, settings");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": 3})"), "\"zoo\" is 3; it takes a text");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "methods": []})"), "\"methods\" is []");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "settings": [1]})"), "is no object");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "settings": {"eta": []}})"),
               "the setting 'eta' has no value");
  EXPECT_PRED2(says, refused(R"({"schema": "itm.sweep/1", "zoo": "zoo", "settings": {"eta": [null]}})"),
               "the setting 'eta' has the value null");
  EXPECT_PRED2(says, refusal([&] { (void)read_sweep_spec(folder_ / "absent.json"); }), "no such file");
}

}  // namespace
}  // namespace itm::testing
