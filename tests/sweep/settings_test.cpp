// Every setting by name: what it writes, what it refuses, and whom it concerns.

#include "ranking/settings.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "itm/sweep.hpp"
#include "made_sweep.hpp"

namespace itm::testing {
namespace {

const SharedSetting& shared(const std::string& name) {
  for (const SharedSetting& setting : shared_settings()) {
    if (setting.setting.name == name) {
      return setting;
    }
  }
  throw std::out_of_range(name);
}

TEST(Settings, EachWritesWhatItReads) {
  for (const SharedSetting& setting : shared_settings()) {
    std::vector<SettingValue> values;
    for (const std::string& word : setting.setting.words) {
      values.emplace_back(word);
    }
    if (is_number(setting.setting)) {
      values = {setting.setting.whole ? 3.0 : 0.75};
    }
    for (const SettingValue& value : values) {
      RankOptions options;
      apply_setting(options, setting.setting.name, value);
      EXPECT_EQ(setting.read(options), value) << setting.setting.name;
    }
  }
}

TEST(Settings, DefaultsAreThoseOfTheOptions) {
  EXPECT_EQ(shared("batch-size").setting.standard, SettingValue(256.0));
  EXPECT_EQ(shared("learning-rate").setting.standard, SettingValue(5e-3));
  EXPECT_EQ(shared("adaptive").setting.standard, SettingValue("on"));
  EXPECT_TRUE(std::isnan(std::get<double>(shared("dispersion-base").setting.standard))) << "there is none";
}

TEST(Settings, ReachTheirOptions) {
  RankOptions options;
  apply_setting(options, "batch-size", 64.0);
  apply_setting(options, "centres", "laplacian");
  apply_setting(options, "adaptive", "off");
  apply_setting(options, "dispersion-base", 2.5);
  apply_setting(options, "seed", 7.0);
  apply_setting(options, "repeats", 4.0);
  apply_setting(options, "variant", "exact");
  apply_setting(options, "knn-k", 9.0);
  EXPECT_EQ(options.itm.batch_size, 64U);
  EXPECT_EQ(options.itm.centres, CentreKind::laplacian);
  EXPECT_FALSE(options.itm.adaptive);
  EXPECT_EQ(options.itm.dispersion_base, 2.5);
  EXPECT_EQ(options.seed, 7U);
  EXPECT_EQ(options.repeats, 4U);
  EXPECT_EQ(options.variant, Variant::exact);
  EXPECT_EQ(options.settings.at("knn-k"), SettingValue(9.0));
}

TEST(Settings, InEffectAreWrittenAsTheCommandLineIsGivenThem) {
  RankOptions options;
  apply_setting(options, "eta", 0.25);
  apply_setting(options, "knn-k", 9.0);
  const auto all = settings_in_effect(options);
  const std::map<std::string, std::string> by_name(all.begin(), all.end());
  EXPECT_EQ(by_name.at("eta"), "0.25");
  EXPECT_EQ(by_name.at("batch-size"), "256") << "by default";
  EXPECT_EQ(by_name.at("knn-k"), "9");
  EXPECT_EQ(by_name.at("drop-bad-rows"), "off");
  EXPECT_FALSE(by_name.contains("dispersion-base")) << "has no value";

  RankOptions again;
  for (const auto& [name, text] : all) {
    const Setting* found = nullptr;
    for (const SharedSetting& setting : shared_settings()) {
      found = setting.setting.name == name ? &setting.setting : found;
    }
    for (const Estimator& estimator : estimators()) {
      for (const Setting& setting : estimator.settings) {
        found = estimator.name + "-" + setting.name == name ? &setting : found;
      }
    }
    ASSERT_NE(found, nullptr) << name;
    const std::optional<SettingValue> value = parse_value(*found, text);
    ASSERT_TRUE(value.has_value()) << name << ": " << text;
    apply_setting(again, name, *value);
  }
  EXPECT_EQ(settings_in_effect(again), all) << "read back they are the same";
}

TEST(Settings, RefuseInOneSentenceWithValueAndRange) {
  const auto sentence = [](const std::string& name, const SettingValue& value) {
    RankOptions options;
    return refusal([&] { apply_setting(options, name, value); });
  };
  EXPECT_EQ(sentence("eta", 1.5), "eta: 1.5 is not a number from 0 to 1");
  EXPECT_EQ(sentence("iterations", 2.5), "iterations: 2.5 is not a whole number from 1 to 100,000");
  EXPECT_EQ(sentence("batch-size", 0.0), "batch-size: 0 is not a whole number of at least 1");
  EXPECT_EQ(sentence("batch-size", "many"), "batch-size: 'many' is not a whole number of at least 1");
  EXPECT_EQ(sentence("learning-rate", 0.0), "learning-rate: 0 is not a number above 0");
  EXPECT_EQ(sentence("learning-rate", std::numeric_limits<double>::infinity()),
            "learning-rate: inf is not a number above 0");
  EXPECT_EQ(sentence("centres", "pc"), "centres: 'pc' is not one of onehot|random|pca|laplacian");
  EXPECT_EQ(sentence("adaptive", 1.0), "adaptive: '1' is not one of on|off");
  EXPECT_PRED2(says, sentence("knn-k", 0.0), "knn-k: 0 is not a whole number");
  EXPECT_PRED2(says, sentence("batch_size", 8.0), "there is no setting 'batch_size'; choose among: batch-size, ");
}

TEST(Settings, ConcernThoseWhomTheyChange) {
  const auto applies = [](const std::string& method, const std::string& name) {
    return setting_applies(find_estimator(method), name);
  };
  EXPECT_TRUE(applies("itm", "eta"));
  EXPECT_FALSE(applies("logme", "eta"));
  EXPECT_TRUE(applies("lead", "lead-eta"));
  EXPECT_FALSE(applies("itm", "lead-eta"));
  EXPECT_TRUE(applies("itm", "seed"));
  EXPECT_TRUE(applies("linear_probe", "repeats"));
  EXPECT_FALSE(applies("logme", "seed"));
  EXPECT_TRUE(applies("logme", "variant"));
  EXPECT_FALSE(applies("itm", "arithmetic"));
  EXPECT_TRUE(applies("itm", "drop-bad-rows") && applies("logme", "drop-bad-rows"));
  EXPECT_THROW((void)applies("itm", "lead_eta"), InputError);
}

}  // namespace
}  // namespace itm::testing
