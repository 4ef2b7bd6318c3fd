// Arrays of the caller against the same numbers in files: equal bits, no copy, sentences that name the model.

#include "itm/dataset.hpp"

#include <gtest/gtest.h>

#include "io/half.hpp"
#include "itm/error.hpp"
#include "made_zoo.hpp"
#include "quick_options.hpp"

namespace {

using itm::Dataset;
using itm::RankReport;
using itm::testing::made_data;
using itm::testing::MadeData;
using itm::testing::quick;

const MadeData good = made_data(150, 24, 5, 1.0, 1);
const MadeData poor = made_data(150, 20, 5, 0.1, 3);

Dataset small() {
  Dataset dataset("made", good.labels.values);
  dataset.add("good", itm::view(good.values.data(), good.rows, good.dims));
  dataset.add("poor", itm::view(poor.values.data(), poor.rows, poor.dims));
  return dataset;
}

TEST(Dataset, GivesTheScoresOfTheSameNumbersInFiles) {
  const itm::testing::TemporaryFolder folder;
  itm::testing::write_entry(folder.path(), "good", "made", good);
  itm::testing::write_entry(folder.path(), "poor", "made", poor);
  for (const char* method : {"itm", "logme", "parc", "knn", "sfda", "linear_probe"}) {
    const RankReport files = itm::rank_zoo(itm::discover_zoo(folder.path()), quick(method));
    const RankReport memory = itm::rank(small(), quick(method));
    ASSERT_EQ(memory.results.size(), 1U) << method;
    EXPECT_EQ(memory.results[0].dataset, "made");
    for (std::size_t m = 0; m < 2; ++m) {
      EXPECT_EQ(memory.results[0].models[m].model, files.results[0].models[m].model) << method;
      EXPECT_EQ(memory.results[0].models[m].score, files.results[0].models[m].score) << method;
      EXPECT_EQ(memory.results[0].models[m].details, files.results[0].models[m].details) << method;
    }
  }
}

TEST(Dataset, TakesEveryPrecisionAndRowsThatAreApart) {
  constexpr std::size_t stride = 31;
  std::vector<double> wide(good.rows * stride, std::nan(""));
  std::vector<itm::Half> half(good.values.size());
  std::vector<float> rounded(good.values.size());
  for (std::size_t k = 0; k < half.size(); ++k) {
    wide[k / good.dims * stride + k % good.dims] = good.values[k];
    const std::uint16_t bits = itm::io::f16_from_float(good.values[k]);
    half[k] = itm::Half{bits};
    rounded[k] = itm::io::float_from_f16(bits);
  }
  Dataset dataset("made", good.labels.values);
  dataset.add("float32", itm::view(good.values.data(), good.rows, good.dims));
  dataset.add("float64", itm::view(wide.data(), good.rows, good.dims, stride));
  dataset.add("float16", itm::view(half.data(), good.rows, good.dims));
  dataset.add("rounded", itm::view(rounded.data(), good.rows, good.dims));
  std::map<std::string, double> score;
  const RankReport report = itm::rank(dataset, quick("logme"));
  for (const itm::ScoredModel& model : report.results[0].models) {
    score[model.model] = model.score;
  }
  EXPECT_EQ(score["float64"], score["float32"]);
  EXPECT_EQ(score["float16"], score["rounded"]);
  EXPECT_NE(score["float16"], score["float32"]);
}

TEST(Dataset, SentencesNameTheModel) {
  std::vector<float> broken = poor.values;
  broken[3 * poor.dims] = std::nanf("");
  Dataset dataset = small();
  dataset.add("broken", itm::view(broken.data(), poor.rows, poor.dims));
  try {
    (void)itm::rank(dataset, quick("logme"));
    FAIL() << "a NaN was ranked";
  } catch (const itm::InputError& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 14), "broken: row 3 ") << error.what();
  }
  EXPECT_THROW(dataset.add("good", itm::view(broken.data(), poor.rows, poor.dims)), itm::InputError) << "twice";
  EXPECT_THROW(dataset.add("", itm::view(broken.data(), poor.rows, poor.dims)), itm::InputError);
  EXPECT_THROW((void)itm::view(broken.data(), 4, 10, 9), itm::InputError) << "rows would overlap";
  EXPECT_THROW((void)itm::rank(Dataset("none", good.labels.values)), itm::InputError) << "no model";
  Dataset lonely("lonely", std::vector<std::int64_t>{0, 0, 0, 0, 0, 2, 2, 2, 2, 3});
  lonely.add("good", itm::view(good.values.data(), 10, good.dims));
  EXPECT_THROW((void)itm::rank(lonely, quick("logme")), itm::InputError) << "class 3 has a single row";
}

TEST(Dataset, RegressionTargetsInPlaceOfLabels) {
  std::vector<double> targets(good.rows);
  for (std::size_t i = 0; i < good.rows; ++i) {
    targets[i] = 3 * double{good.values[i * good.dims]} - 1;
  }
  Dataset dataset("targets", itm::view(targets.data(), good.rows, 1));
  dataset.add("linear", itm::view(good.values.data(), good.rows, good.dims));
  dataset.add("unrelated", itm::view(poor.values.data(), poor.rows, poor.dims));
  EXPECT_EQ(itm::rank(dataset, quick("logme")).results[0].models[0].model, "linear");
  EXPECT_THROW((void)itm::rank(dataset, quick("parc")), itm::InputError) << "PARC wants labels";
}

}  // namespace
