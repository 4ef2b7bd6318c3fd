// Features and labels at the edge of what is sensible: every method gives a number or one sentence, never NaN.

#include <gtest/gtest.h>

#include <cmath>

#include "estimators/made_case.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

using testing::made_data;
using testing::MadeData;

struct Degenerate {
  std::string name;
  MadeData data;
};

std::vector<Degenerate> degenerate_cases() {
  std::vector<Degenerate> cases;
  const auto add = [&](const std::string& name, MadeData data, const auto& change) {
    for (std::size_t i = 0; i < data.rows; ++i) {
      change(data, i, &data.values[i * data.dims]);
    }
    cases.push_back({name, std::move(data)});
  };
  const MadeData usual = made_data(40, 6, 4, 0.5, 1);
  add("all zeros", usual, [](MadeData& d, std::size_t, float* row) { std::fill_n(row, d.dims, 0.0F); });
  add("all equal to a number without short binary form", usual,
      [](MadeData& d, std::size_t, float* row) { std::fill_n(row, d.dims, 0.1F); });
  add("a constant column", usual, [](MadeData&, std::size_t, float* row) { row[2] = 7.3F; });
  add("a column twice", usual, [](MadeData&, std::size_t, float* row) { row[3] = row[1]; });
  add("a row of zeros", usual, [](MadeData& d, std::size_t i, float* row) {
    if (i == 5) {
      std::fill_n(row, d.dims, 0.0F);
    }
  });
  add("huge numbers", usual, [](MadeData& d, std::size_t, float* row) {
    std::for_each(row, row + d.dims, [](float& value) { value *= 1e30F; });
  });
  add("tiny numbers", usual, [](MadeData& d, std::size_t, float* row) {
    std::for_each(row, row + d.dims, [](float& value) { value *= 1e-30F; });
  });
  add("a far offset", usual, [](MadeData& d, std::size_t, float* row) {
    std::for_each(row, row + d.dims, [](float& value) { value += 1e6F; });
  });
  add("one column", made_data(40, 1, 4, 0.5, 1), [](MadeData&, std::size_t, float*) {});
  add("more columns than rows", made_data(12, 50, 3, 0.5, 1), [](MadeData&, std::size_t, float*) {});
  add("a class of one row", usual,
      [](MadeData& d, std::size_t i, float*) { d.labels.values[i] = i == 0 ? 3 : static_cast<std::int32_t>(i % 3); });
  add("a class without rows", usual, [](MadeData& d, std::size_t i, float*) {
    d.labels.values[i] = d.labels.values[i] == 2 ? 3 : d.labels.values[i];
  });
  add("as many classes as pairs of rows", usual, [](MadeData& d, std::size_t i, float*) {
    d.labels.classes = d.rows / 2;
    d.labels.values[i] = static_cast<std::int32_t>(i / 2);
  });
  return cases;
}

class DegenerateInput : public ::testing::TestWithParam<std::string> {};

TEST_P(DegenerateInput, GivesANumberOrASentence) {
  for (const Degenerate& degenerate : degenerate_cases()) {
    const testing::MadeCase made(degenerate.data);
    for (const Precision arithmetic : {Precision::float64, Precision::float32}) {
      for (const Variant variant : {Variant::published, Variant::exact}) {
        RankOptions options;
        options.arithmetic = arithmetic;
        options.variant = variant;
        try {
          EXPECT_TRUE(std::isfinite(made.score(GetParam(), options).score)) << degenerate.name;
        } catch (const InputError& error) {
          EXPECT_NE(std::string(error.what()).find("feature.npy"), std::string::npos)
              << degenerate.name << ": " << error.what();
          // Only what float32 products cannot hold may be refused.
          EXPECT_TRUE(degenerate.name == "huge numbers") << degenerate.name << ": " << error.what();
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, DegenerateInput,
                         ::testing::Values("knn", "linear_probe", "lead", "gbc", "transrate", "ncti", "pactran"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace itm
