// A split of the person's: methods that validate follow it, whatever rows are left out, and bad ones are refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

#include "itm/dataset.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"
#include "made_array.hpp"
#include "made_zoo.hpp"
#include "quick_options.hpp"

namespace {

using itm::Dataset;
using itm::RankedDataset;
using itm::RankOptions;
using itm::testing::made_data;
using itm::testing::MadeData;
using itm::testing::quick;

RankedDataset rank_split(const MadeData& data, const std::vector<std::uint8_t>& split, const RankOptions& options) {
  Dataset made("made", data.labels.values);
  if (!split.empty()) {
    made.set_split(split);
  }
  made.add("model", data.array());
  return itm::rank(made, options).results.at(0);
}

std::vector<std::uint8_t> every(std::size_t step, std::size_t rows) {
  std::vector<std::uint8_t> split(rows);
  for (std::size_t i = 0; i < rows; i += step) {
    split[i] = 1;
  }
  return split;
}

/// The rows that ITM would draw itself, given to it, change nothing.
TEST(Split, OfItmIsTheOneThatItDraws) {
  const MadeData data = made_data(150, 8, 3, 0.8, 1);
  const RankOptions options = quick("itm");
  std::vector<std::uint8_t> split(150);
  for (const std::uint32_t row : itm::make_plan(data.labels, options.itm).validation) {
    split[row] = 1;
  }
  const RankedDataset drawn = rank_split(data, {}, options);
  const RankedDataset given = rank_split(data, split, options);
  EXPECT_EQ(given.models[0].score, drawn.models[0].score);
  EXPECT_EQ(given.models[0].tie_break, drawn.models[0].tie_break);
  EXPECT_EQ(given.models[0].error_from, "30 validation rows");
  EXPECT_EQ(given.remarks.at(0), "validated on the 30 of 150 rows that the split holds out");
}

/// Rows to validate on have features of no class, labelled as if they had: whoever trained on them would know better
/// than chance, and who validates on others is perfect.
TEST(Split, IsFollowedByEveryMethodThatValidates) {
  MadeData data = made_data(240, 6, 3, 6, 2);
  const std::vector<std::uint8_t> split = every(4, 240);
  for (std::size_t i = 0; i < 240; i += 4) {  // as class (y + 1) is
    const std::size_t other = i + 1;
    std::copy_n(data.values.begin() + static_cast<std::ptrdiff_t>(other * 6), 6,
                data.values.begin() + static_cast<std::ptrdiff_t>(i * 6));
  }
  std::vector<std::uint8_t> reversed = split;
  std::transform(split.begin(), split.end(), reversed.begin(), [](auto v) { return v == 0 ? 1 : 0; });
  std::size_t followed = 0;
  for (const itm::Estimator& method : itm::estimators()) {
    if (!method.inputs.features || method.inputs.source) {
      continue;
    }
    RankOptions options = quick(method.name);
    options.itm.iterations = 200;
    const RankedDataset with = rank_split(data, split, options);
    if (!method.validates) {
      EXPECT_EQ(with.models[0].score, rank_split(data, {}, options).models[0].score) << method.name;
      continue;
    }
    ++followed;
    const double scale = method.unit == itm::ScoreUnit::percent ? 100 : 1;
    EXPECT_LT(with.models[0].score, 0.02 * scale) << method.name << " has seen the rows that it should predict";
    EXPECT_LT(rank_split(data, reversed, options).models[0].score, 0.02 * scale) << method.name;
    EXPECT_GT(rank_split(data, {}, options).models[0].score, 0.3 * scale) << method.name;
    EXPECT_EQ(with.models[0].error_from, "60 validation rows") << method.name;
  }
  EXPECT_EQ(followed, 3U);
}

/// Rows that are left out take their part of the split with them.
TEST(Split, FollowsTheRowsThatAreScored) {
  const MadeData data = made_data(160, 8, 4, 0.7, 3);
  MadeData more = data;
  std::vector<std::uint8_t> split = every(3, 160);
  std::vector<std::uint8_t> longer = split;
  for (const std::size_t at : {100U, 41U, 7U}) {  // a rare class among the others
    more.labels.values.insert(more.labels.values.begin() + at, 9);
    more.values.insert(more.values.begin() + static_cast<std::ptrdiff_t>(at * 8), 8, 1.5F);
    longer.insert(longer.begin() + at, at == 41 ? 1 : 0);
  }
  more.rows = 163;
  MadeData bad = more;
  bad.labels.values[7] = 0;  // a bad row instead
  bad.labels.values[42] = 0;
  bad.labels.values[102] = 0;
  for (const std::size_t at : {7U, 42U, 102U}) {
    ASSERT_EQ(bad.values[at * 8], 1.5F);
    bad.values[at * 8] = std::numeric_limits<float>::quiet_NaN();
  }
  for (const char* method : {"itm", "knn", "linear_probe"}) {
    const double want = rank_split(data, split, quick(method)).models[0].score;
    RankOptions rare = quick(method);
    rare.drop_rare_classes = 5;
    EXPECT_EQ(rank_split(more, longer, rare).models[0].score, want) << method;
    RankOptions drop = quick(method);
    drop.drop_bad_rows = true;
    EXPECT_EQ(rank_split(bad, longer, drop).models[0].score, want) << method;
    RankOptions some = quick(method);
    some.rows = 60;
    const RankedDataset sampled = rank_split(data, split, some);
    EXPECT_EQ(sampled.models[0].details.number("rows"), 60) << method;
  }
}

TEST(Split, IsReadFromFilesOfItsName) {
  const itm::testing::TemporaryFolder folder;
  const MadeData data = made_data(60, 4, 2, 0.8, 4);
  const std::size_t shape[] = {60, 4};
  const std::size_t rows[] = {60};
  for (const char* model : {"a", "b"}) {
    itm::write_npy<float>(folder / (std::string(model) + "_pets_feature.npy"), data.values, shape);
  }
  const std::vector<std::int64_t> labels(data.labels.values.begin(), data.labels.values.end());
  itm::write_npy<std::int64_t>(folder / "pets_label.npy", labels, rows);
  const std::vector<std::uint8_t> split = every(4, 60);
  const double want = rank_split(data, split, quick("knn")).models[0].score;

  const auto score = [&](const itm::ZooOptions& options = {}) {
    return itm::rank_zoo(itm::discover_zoo(folder.path(), options), quick("knn")).results.at(0).models.at(0).score;
  };
  const double without = score();
  EXPECT_NE(without, want);
  const auto text_file = [&](const std::string& name, const char* train, const char* validation) {
    std::ofstream out(folder / name);
    for (const std::uint8_t held_out : split) {
      out << (held_out != 0 ? validation : train) << '\n';
    }
  };
  text_file("pets_split.txt", "train", "val");
  EXPECT_EQ(score(), want);
  std::filesystem::remove(folder / "pets_split.txt");
  itm::write_npy<std::int64_t>(folder / "a_pets_split.npy", std::vector<std::int64_t>(split.begin(), split.end()),
                               rows);
  EXPECT_EQ(score(), want) << "one model's split is that of the data set";
  std::filesystem::remove(folder / "a_pets_split.npy");
  text_file("mine.txt", "0", "1");
  itm::ZooOptions options;
  options.split = folder / "mine.txt";
  EXPECT_EQ(score(options), want);

  const auto expect_refused = [&](const std::string& part) {
    try {
      (void)score(options);
      FAIL() << "accepted; " << part;
    } catch (const itm::InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  text_file("mine.txt", "train", "test");
  expect_refused("row 0 is 'test'; write 0 or train for the rows to train on, 1 or val for those to validate on");
  text_file("mine.txt", "0", "0");
  expect_refused("puts all 60 rows into the training part; both parts need rows");
  std::ofstream(folder / "mine.txt") << "0\n1\n";
  expect_refused("has 2 entries, but");
  text_file("mine.txt", "0", "1");
  itm::write_npy<std::int64_t>(folder / "mine.npy", std::vector<std::int64_t>(60, 2), rows);
  options.split = folder / "mine.npy";
  expect_refused("row 0 is '2'");
  itm::write_npy<float>(folder / "mine.npy", data.values, shape);
  expect_refused("has shape [60, 4], but a split has one entry per row");
}

TEST(Split, ThatDiffersBetweenModelsIsRefused) {
  const MadeData data = made_data(60, 4, 2, 0.8, 5);
  Dataset made("made", data.labels.values);
  made.set_split(every(4, 60));
  made.add("a", data.array());
  made.set_split(every(5, 60));
  made.add("b", data.array());
  EXPECT_THROW((void)itm::rank(made, quick("knn")), itm::InputError);
}

}  // namespace
