// The operations of a Device against the loops that define them, on shapes that are multiples of nothing.

#include "itm/device.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "device_under_test.hpp"
#include "itm/agreement.hpp"
#include "itm/error.hpp"
#include "made_array.hpp"
#include "numbers.hpp"

namespace {

namespace testing = itm::testing;
using itm::Device;
using itm::Matrix;
using itm::Op;
using itm::Precision;
using itm::View;
using itm::testing::Numbers;
using itm::testing::numbers;

void expect_near(const Numbers& found, const Numbers& wanted, double tolerance) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(found[i], wanted[i], tolerance) << "element " << i;
  }
}

class DeviceOperations : public ::testing::Test {
 protected:
  void SetUp() override { ITM_SKIP_WITHOUT_DEVICE(); }

  std::unique_ptr<Device> owned = testing::device_under_test();
  Device& device = *owned;

  itm::FeaturesOnDevice opened(const itm::Array& array) {
    const itm::StoredFeatures wanted{&array};
    return device.open(std::span(&wanted, 1), 0).front();
  }
  Matrix made(std::size_t rows, std::size_t cols, std::uint64_t seed) {
    return device.matrix_of(numbers(rows * cols, seed), rows, cols);
  }
};

TEST_F(DeviceOperations, MatricesBeginAsZerosAlsoInMemoryThatWasUsedBefore) {
  {
    const Matrix used = device.matrix(7, 5);
    device.fill(used, 3);
  }
  EXPECT_EQ(device.read(device.matrix(7, 5)), Numbers(35));
}

TEST_F(DeviceOperations, ViewsOfRowsAndColumnsShareMemory) {
  const Matrix x = made(5, 4, 1);
  device.fill(x.rows(1, 2).columns(2, 2), 9);
  const Numbers values = device.read(x);
  EXPECT_EQ(values[1 * 4 + 2], 9);
  EXPECT_EQ(values[2 * 4 + 3], 9);
  EXPECT_NE(values[1 * 4 + 1], 9);
  EXPECT_EQ(device.read(x.rows(1, 2).columns(2, 2)), Numbers(4, 9.0));
}

TEST_F(DeviceOperations, LoadsRowsOfAnyDtypeThroughAMap) {
  const auto map = device.index(std::vector<std::int32_t>{4, 0, 2});
  const Numbers values = numbers(5 * 3, 2);
  std::vector<float> narrow(values.begin(), values.end());
  const itm::Array array = testing::made_array(narrow, 5, 3);
  const auto features = opened(array);
  EXPECT_EQ(features->rows(), 5U);
  EXPECT_EQ(features->cols(), 3U);
  const Matrix x = device.matrix(2, 3);
  device.load(*features, map, 1, x);
  EXPECT_EQ(device.read(x), (Numbers{narrow[0], narrow[1], narrow[2], narrow[6], narrow[7], narrow[8]}));

  const Matrix shifts = device.matrix_of(Numbers{1, 2, 3, -4, 0, 8}, 2, 3);
  device.load_shifted(*features, map, 1, 0.5, shifts, device.index(std::vector<std::int32_t>{1, 0}), x);
  EXPECT_EQ(device.read(x), (Numbers{narrow[0] - 2.0, narrow[1] + 0.0, narrow[2] + 4.0, narrow[6] + 0.5,
                                     narrow[7] + 1.0, narrow[8] + 1.5}));
  device.load_shifted(*features, map, 1, -1, shifts.row(0), {}, x);
  EXPECT_EQ(device.read(x), (Numbers{narrow[0] - 1.0, narrow[1] - 2.0, narrow[2] - 3.0, narrow[6] - 1.0,
                                     narrow[7] - 2.0, narrow[8] - 3.0}));

  const Matrix sums = device.matrix(3, 3);
  const itm::Classes classes = device.classes(device.index(std::vector<std::int32_t>{1, 0, 1}), 2);
  device.add_class_sums_of(*features, map, classes.rows(), sums.rows(0, 2));
  device.add_column_sums_of(*features, map, 1, 2, sums.row(2));
  EXPECT_EQ(device.read(sums),
            (Numbers{narrow[0], narrow[1], narrow[2], double{narrow[12]} + narrow[6], double{narrow[13]} + narrow[7],
                     double{narrow[14]} + narrow[8], double{narrow[0]} + narrow[6], double{narrow[1]} + narrow[7],
                     double{narrow[2]} + narrow[8]}));
}

TEST_F(DeviceOperations, ReadsAreTheOnlyWaitsAndAreCounted) {
  const Matrix x = made(4, 3, 1);
  const Matrix total = device.matrix(1, 1);
  device.add_sum(x, total);
  const itm::DeviceCounts before = device.counts();
  const auto both = device.read({x, total});
  EXPECT_EQ(device.counts().waits, before.waits + 1);
  EXPECT_EQ(device.counts().read, before.read + 13 * sizeof(double));
  EXPECT_EQ(device.counts().launches, before.launches);
  EXPECT_NEAR(both[1].front(), std::accumulate(both[0].begin(), both[0].end(), 0.0), 1e-15);
  device.scale(2, x);
  EXPECT_GT(device.counts().launches, before.launches);
  EXPECT_EQ(device.counts().waits, before.waits + 1);
}

class Products : public DeviceOperations, public ::testing::WithParamInterface<std::tuple<Op, Op, Precision>> {};

TEST_P(Products, MultiplyMatchesItsDefinition) {
  const auto [op_a, op_b, arithmetic] = GetParam();
  owned = testing::device_under_test(arithmetic);
  Device& here = *owned;
  constexpr std::size_t m = 5;
  constexpr std::size_t n = 3;
  constexpr std::size_t k = 7;
  const Numbers a = numbers(m * k, 1);
  const Numbers b = numbers(k * n, 2);
  const Numbers c = numbers(m * n, 3);
  Numbers wanted(m * n);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      wanted[i * n + j] = 0.5 * c[i * n + j];
      for (std::size_t p = 0; p < k; ++p) {
        wanted[i * n + j] +=
            2 * (op_a == Op::none ? a[i * k + p] : a[p * m + i]) * (op_b == Op::none ? b[p * n + j] : b[j * k + p]);
      }
    }
  }
  const Matrix product = here.matrix_of(c, m, n);
  here.multiply(2, op_a == Op::none ? here.matrix_of(a, m, k) : here.matrix_of(a, k, m), op_a,
                op_b == Op::none ? here.matrix_of(b, k, n) : here.matrix_of(b, n, k), op_b, 0.5, product);
  expect_near(here.read(product), wanted, arithmetic == Precision::float64 ? 1e-14 : 2e-6);
}

INSTANTIATE_TEST_SUITE_P(AllForms, Products,
                         ::testing::Combine(::testing::Values(Op::none, Op::transpose),
                                            ::testing::Values(Op::none, Op::transpose),
                                            ::testing::Values(Precision::float64, Precision::float32)));

TEST_F(DeviceOperations, GramAddsToTheLowerTriangle) {
  for (const Precision arithmetic : {Precision::float64, Precision::float32}) {
    const auto here = testing::device_under_test(arithmetic);
    const Numbers a = numbers(9 * 4, 1);
    Numbers wanted(16, 1.0);
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        for (std::size_t p = 0; p < 9; ++p) {
          wanted[i * 4 + j] += a[p * 4 + i] * a[p * 4 + j];
        }
      }
    }
    const Matrix gram = here->matrix(4, 4);
    here->fill(gram, 1);
    here->add_gram(1, here->matrix_of(a, 9, 4), gram);
    expect_near(here->read(gram), wanted, arithmetic == Precision::float64 ? 1e-14 : 2e-6);
  }
}

/// A symmetric positive definite matrix, both triangles.
Matrix positive_definite(Device& device, std::size_t dims, std::uint64_t seed) {
  Matrix s = device.matrix(dims, dims);
  device.add_gram(1, device.matrix_of(numbers(2 * dims * dims, seed), 2 * dims, dims), s);
  device.symmetrise(s);
  return s;
}

TEST_F(DeviceOperations, SymmetriseMirrorsTheLowerTriangleAcrossTiles) {
  constexpr std::size_t dims = 70;  // two tiles and a bit
  const Numbers before = numbers(dims * dims, 1);
  const Matrix s = device.matrix_of(before, dims, dims);
  device.symmetrise(s);
  const Numbers after = device.read(s);
  for (std::size_t i = 0; i < dims; ++i) {
    for (std::size_t j = 0; j < dims; ++j) {
      EXPECT_EQ(after[i * dims + j], before[std::max(i, j) * dims + std::min(i, j)]);
    }
  }
}

TEST_F(DeviceOperations, CholeskySolvesAndWhitensRows) {
  constexpr std::size_t dims = 6;
  const Matrix s = positive_definite(device, dims, 3);
  const Matrix factor = device.matrix(dims, dims);
  device.copy(s, factor);
  ASSERT_TRUE(device.cholesky(factor));

  const Matrix b = made(3, dims, 4);
  const Matrix solved = device.matrix(3, dims);
  device.copy(b, solved);
  device.solve_rows(factor, solved);
  const Matrix back = device.matrix(3, dims);
  device.multiply(1, solved, Op::none, s, Op::none, 0, back);
  expect_near(device.read(back), device.read(b), 1e-12);

  // |L^-1 b|^2 = b S^-1 b
  const Matrix white = device.matrix(3, dims);
  device.copy(b, white);
  device.whiten_rows(factor, white);
  const Matrix lengths = device.matrix(1, 3);
  device.row_squares(white, lengths);
  const Matrix wanted = device.matrix(1, 3);
  device.indexed_row_dots(b, solved, device.index(std::vector<std::int32_t>{0, 1, 2}), wanted);
  expect_near(device.read(lengths), device.read(wanted), 1e-12);
}

/// Many rows over several blocks of columns, in a view with a stride: L z = b for every row.
TEST_F(DeviceOperations, WhitensManyRows) {
  constexpr std::size_t dims = 70;
  constexpr std::size_t rows = 200;
  const Matrix factor = positive_definite(device, dims, 3);
  ASSERT_TRUE(device.cholesky(factor));
  const Numbers l = device.read(factor);
  const Matrix wide = made(rows, dims + 5, 4);
  const Numbers b = device.read(wide.view().columns(2, dims));
  device.whiten_rows(factor, wide.view().columns(2, dims));
  const Numbers z = device.read(wide.view().columns(2, dims));
  Numbers back(rows * dims);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < dims; ++j) {
      for (std::size_t p = 0; p <= j; ++p) {
        back[i * dims + j] += l[j * dims + p] * z[i * dims + p];
      }
    }
  }
  expect_near(back, b, 1e-12);
}

/// Several panels, the last one narrow, and rows enough for the triangles to be inverted: L L^T = S and X S = B.
TEST_F(DeviceOperations, CholeskyAndSolveOverSeveralPanels) {
  constexpr std::size_t dims = 300;
  constexpr std::size_t rows = 90;
  const Matrix s = positive_definite(device, dims, 3);
  const Matrix wide = device.matrix(dims, dims + 5);
  const View factor = wide.view().columns(2, dims);
  device.copy(s, factor);
  ASSERT_TRUE(device.cholesky(factor));

  Numbers l = device.read(factor);
  const Numbers before = device.read(s);
  for (std::size_t i = 0; i < dims; ++i) {
    for (std::size_t j = i + 1; j < dims; ++j) {
      ASSERT_EQ(l[i * dims + j], before[i * dims + j]) << "the upper triangle is left as it was";
      l[i * dims + j] = 0;
    }
  }
  const Matrix lower = device.matrix_of(l, dims, dims);
  const Matrix product = device.matrix(dims, dims);
  device.multiply(1, lower, Op::none, lower, Op::transpose, 0, product);
  expect_near(device.read(product), before, 1e-10);

  const Matrix b = made(rows, dims, 4);
  const Matrix solved = device.matrix(rows, dims);
  device.copy(b, solved);
  device.solve_rows(factor, solved);
  const Matrix back = device.matrix(rows, dims);
  device.multiply(1, solved, Op::none, s, Op::none, 0, back);
  expect_near(device.read(back), device.read(b), 1e-10);
}

TEST_F(DeviceOperations, FactorisationsRefuseNaN) {
  const Matrix s = positive_definite(device, 200, 3);
  device.fill(s.row(180).columns(150, 1), std::numeric_limits<double>::quiet_NaN());
  const Matrix copy = device.matrix(200, 200);
  device.copy(s, copy);
  EXPECT_FALSE(device.cholesky(copy));
  const auto eigenvalues = [&] {
    const Matrix values = device.matrix(1, 200);
    device.symmetric_eigen(s, values);
    return device.read(values);
  };
  EXPECT_THROW((void)eigenvalues(), itm::NumericError);
}

TEST_F(DeviceOperations, CholeskyRefusesWhatIsNotPositiveDefinite) {
  const Matrix s = device.matrix(3, 3);
  device.add_to_diagonal(1, s);
  device.fill(s.row(2).columns(2, 1), -1);
  EXPECT_FALSE(device.cholesky(s));
}

TEST_F(DeviceOperations, EigenvectorsAreRowsAndValuesAscend) {
  constexpr std::size_t dims = 8;
  const Matrix s = positive_definite(device, dims, 5);
  const Matrix vectors = device.matrix(dims, dims);
  device.copy(s, vectors);
  const Matrix values = device.matrix(1, dims);
  device.symmetric_eigen(vectors, values);
  const Numbers lambda = device.read(values);
  EXPECT_TRUE(std::is_sorted(lambda.begin(), lambda.end()));

  // V S = diag(lambda) V and V V^T = 1
  const Matrix applied = device.matrix(dims, dims);
  device.multiply(1, vectors, Op::none, s, Op::none, 0, applied);
  const Matrix scaled = device.matrix(dims, dims);
  device.copy(vectors, scaled);
  device.scale_rows(values, scaled);
  expect_near(device.read(applied), device.read(scaled), 1e-12);
  const Matrix product = device.matrix(dims, dims);
  device.multiply(1, vectors, Op::none, vectors, Op::transpose, 0, product);
  device.add_to_diagonal(-1, product);
  expect_near(device.read(product), Numbers(dims * dims), 1e-12);
}

TEST_F(DeviceOperations, ClampRowsKeepsNumbersBetweenZeroAndTheColumnsMost) {
  const Matrix x = device.matrix_of(Numbers{-1, 2, 3, 0.5, -2, 9}, 2, 3);
  device.clamp_rows(device.matrix_of(Numbers{1, 1, std::numeric_limits<double>::infinity()}, 1, 3), x);
  EXPECT_EQ(device.read(x), (Numbers{0, 1, 3, 0.5, 0, 9}));
}

TEST_F(DeviceOperations, WeightedClassSumsAreClassSumsOfScaledRows) {
  const Matrix x = made(5, 3, 6);
  const itm::Classes classes = device.classes(device.index(std::vector<std::int32_t>{0, 1, 0, 2, 1}), 3);
  const Matrix weights = device.matrix_of(Numbers{0.5, -2, 3, 0, 1}, 1, 5);
  const Matrix found = device.matrix(3, 3);
  device.add_weighted_class_sums(weights, x, classes.rows(), found);
  device.scale_rows(weights, x);
  const Matrix wanted = device.matrix(3, 3);
  device.add_class_sums(x, classes.rows(), wanted);
  expect_near(device.read(found), device.read(wanted), 1e-15);
}

TEST_F(DeviceOperations, ClassSumsAndIndexedRowsUndoEachOther) {
  const std::vector<std::int32_t> labels{2, 0, 2, 1, 0};
  const itm::Classes classes = device.classes(device.index(labels), 3);
  const itm::ConstIndexView index = classes.labels();
  const Numbers x = numbers(5 * 3, 6);
  const Matrix sums = device.matrix(3, 3);
  device.add_class_sums(device.matrix_of(x, 5, 3), classes.rows(), sums);
  Numbers wanted(9);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      wanted[static_cast<std::size_t>(labels[i]) * 3 + j] += x[i * 3 + j];
    }
  }
  expect_near(device.read(sums), wanted, 1e-15);

  const Matrix rows = device.matrix_of(x, 5, 3);
  device.add_indexed_rows(-2, sums, index, rows);
  Numbers moved = x;
  for (std::size_t i = 0; i < 15; ++i) {
    moved[i] -= 2 * wanted[static_cast<std::size_t>(labels[i / 3]) * 3 + i % 3];
  }
  expect_near(device.read(rows), moved, 1e-15);

  const Matrix gathered = device.matrix(5, 3);
  device.gather_rows(sums, index, gathered);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(device.read(gathered.row(i)), device.read(sums.row(static_cast<std::size_t>(labels[i]))));
  }
}

TEST_F(DeviceOperations, RowAndColumnOperationsMatchTheirDefinitions) {
  constexpr std::size_t rows = 4;
  constexpr std::size_t cols = 5;
  const Numbers x = numbers(rows * cols, 7);
  const Numbers by_row = numbers(rows, 8);
  const Numbers by_col = numbers(cols, 9);
  const auto element = [&](std::size_t i, std::size_t j) { return x[i * cols + j]; };
  Numbers scaled(rows * cols);
  Numbers column_sums(cols);
  Numbers column_squares(cols);
  Numbers row_squares(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      scaled[i * cols + j] = (by_row[i] * element(i, j) * by_col[j] + 2 * by_col[j]) * 3;
      column_sums[j] += element(i, j);
      column_squares[j] += element(i, j) * element(i, j);
      row_squares[i] += element(i, j) * element(i, j);
    }
  }
  const Matrix y = device.matrix_of(x, rows, cols);
  device.scale_rows(device.matrix_of(by_row, 1, rows), y);
  device.scale_columns(device.matrix_of(by_col, 1, cols), y);
  device.add_to_rows(2, device.matrix_of(by_col, 1, cols), y);
  device.scale(3, y);
  expect_near(device.read(y), scaled, 1e-14);

  const Matrix original = device.matrix_of(x, rows, cols);
  const Matrix out_columns = device.matrix(2, cols);
  device.add_column_sums(original, out_columns.row(0));
  device.add_column_squares(original, out_columns.row(1));
  expect_near(device.read(out_columns.row(0)), column_sums, 1e-14);
  expect_near(device.read(out_columns.row(1)), column_squares, 1e-14);
  const Matrix out_rows = device.matrix(1, rows);
  device.row_squares(original, out_rows);
  expect_near(device.read(out_rows), row_squares, 1e-14);
  EXPECT_NEAR(device.sum(original), std::accumulate(x.begin(), x.end(), 0.0), 1e-14);

  const Matrix turned = device.matrix(cols, rows);
  device.transpose(original, turned);
  EXPECT_EQ(device.read(turned)[3 * rows + 1], element(1, 3));
  const Matrix corner = device.matrix(1, rows);
  device.diagonal(original.view().columns(0, rows), corner);
  EXPECT_EQ(device.read(corner), (Numbers{element(0, 0), element(1, 1), element(2, 2), element(3, 3)}));
}

TEST_F(DeviceOperations, SoftmaxAndLogSumExpSurviveLargeLogits) {
  const Numbers logits{1000, 1001, 999, -1000, 0, -2000, 3, 3, 3};
  const Matrix x = device.matrix_of(logits, 3, 3);
  const Matrix total = device.matrix(1, 3);
  device.log_sum_exp_rows(x, total);
  const double spread = std::log(1 + std::exp(-1.0) + std::exp(-2.0));
  expect_near(device.read(total), {1001 + spread, 0, 3 + std::log(3.0)}, 1e-12);
  device.softmax_rows(x);
  const Numbers p = device.read(x);
  expect_near({p.begin(), p.begin() + 3}, {std::exp(-1 - spread), std::exp(-spread), std::exp(-2 - spread)}, 1e-15);
  expect_near({p.begin() + 3, p.end()}, {0, 1, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3}, 1e-15);
}

TEST_F(DeviceOperations, SoftmaxAgreesWithTheLibraryExponential) {
  const Numbers x = numbers(50, 10);
  Numbers wanted(50);
  double total = 0;
  for (std::size_t j = 0; j < 50; ++j) {
    wanted[j] = std::exp(30 * x[j]);
    total += wanted[j];
  }
  const Matrix row = device.matrix_of(x, 1, 50);
  device.scale(30, row);
  device.softmax_rows(row);
  const Numbers found = device.read(row);
  for (std::size_t j = 0; j < 50; ++j) {
    EXPECT_NEAR(found[j] * total / wanted[j], 1, 1e-13);
  }
}

TEST_F(DeviceOperations, PickAndArgmaxTakeOneElementPerRow) {
  const Matrix x = device.matrix_of(Numbers{1, 5, 5, 7, 2, 3}, 2, 3);
  const auto best = device.index_scratch(2);
  device.argmax_rows(x, best);
  EXPECT_EQ(device.read(best), (std::vector<std::int32_t>{1, 0})) << "the first of equals";
  const Matrix equal = device.matrix(1, 1);
  device.add_equal(best, device.index(std::vector<std::int32_t>{1, 1}), equal);
  EXPECT_EQ(device.number(equal), 1);
  const Matrix out = device.matrix(1, 2);
  device.pick(x, device.index(std::vector<std::int32_t>{2, 1}), out);
  EXPECT_EQ(device.read(out), (Numbers{5, 2}));
}

TEST_F(DeviceOperations, CorrelatedRowsHaveMeanZeroAndLengthOneConstantRowsVanish) {
  const Matrix x = device.matrix_of(Numbers{1, 2, 4, 0.1, 0.1, 0.1}, 2, 3);
  device.correlate_rows(x);
  const Numbers values = device.read(x);
  EXPECT_NEAR(values[0] + values[1] + values[2], 0, 1e-15);
  EXPECT_NEAR(values[0] * values[0] + values[1] * values[1] + values[2] * values[2], 1, 1e-15);
  EXPECT_EQ(Numbers(values.begin() + 3, values.end()), Numbers(3));
}

TEST_F(DeviceOperations, ClassesListTheRowsOfEveryClass) {
  const itm::Classes classes = device.classes(device.index(std::vector<std::int32_t>{2, 0, 2, 3, 0}), 5);
  EXPECT_EQ(classes.count(), 5U);
  EXPECT_EQ(device.read(classes.order()), (std::vector<std::int32_t>{1, 4, 0, 2, 3}));
  EXPECT_EQ(device.read(classes.begin()), (std::vector<std::int32_t>{0, 2, 2, 4, 5, 5}));
}

TEST_F(DeviceOperations, ClassMomentsAreMeansAndVariancesOfClasses) {
  const itm::Classes classes = device.classes(device.index(std::vector<std::int32_t>{2, 0, 2, 0, 0}), 3);
  const Matrix x = device.matrix_of(Numbers{1, 5, 2, 4, 5, 7, 2, 4, 5, 10}, 5, 2);
  const Matrix mean = device.scratch(3, 2);
  const Matrix variance = device.scratch(3, 2);
  device.class_moments(x, classes, mean, variance);
  expect_near(device.read(mean), {3, 6, 0, 0, 3, 6}, 1e-15);
  expect_near(device.read(variance), {2, 8, 0, 0, 4, 1}, 1e-15);
}

TEST_F(DeviceOperations, MapsAndDeviationsLeaveNothingInfinite) {
  const Numbers x{4, 0, -1, 0.25};
  const auto mapped = [&](itm::Map what) {
    const Matrix made = device.matrix_of(x, 1, 4);
    device.map(what, made);
    return device.read(made);
  };
  EXPECT_EQ(mapped(itm::Map::inverse), (Numbers{0.25, 0, 0, 4}));
  EXPECT_EQ(mapped(itm::Map::inverse_root), (Numbers{0.5, 0, 0, 2}));
  EXPECT_EQ(mapped(itm::Map::is_zero), (Numbers{0, 1, 0, 0}));
  const Matrix out = device.scratch(1, 3);
  device.inverse_deviations(device.matrix_of(Numbers{0, 10, 1e9}, 1, 3), device.matrix_of(Numbers{0, 4, 1e-6}, 1, 3),
                            1e-10, out);
  EXPECT_EQ(device.read(out), (Numbers{1, 0.5, 1}));
}

/// Products that are cut into panels are those of any other pieces.
TEST_F(DeviceOperations, LargeProductsAreThoseOfTheirParts) {
  constexpr std::size_t k = 400;
  for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>(600, 410), {130, 1300}}) {
    for (const Op op_a : {Op::none, Op::transpose}) {
      for (const Op op_b : {Op::none, Op::transpose}) {
        const Matrix a =
            op_a == Op::none ? device.matrix_of(numbers(m * k, 1), m, k) : device.matrix_of(numbers(k * m, 1), k, m);
        const Matrix b =
            op_b == Op::none ? device.matrix_of(numbers(k * n, 2), k, n) : device.matrix_of(numbers(n * k, 2), n, k);
        const Matrix c = device.matrix_of(numbers(m * n, 3), m, n);
        const Matrix parts = device.copy_of(c);
        device.multiply(2, a, op_a, b, op_b, 0.5, c);
        for (std::size_t first = 0; first < n; first += 10) {
          device.multiply(2, a, op_a, op_b == Op::none ? b.columns(first, 10) : b.rows(first, 10), op_b, 0.5,
                          parts.columns(first, 10));
        }
        expect_near(device.read(c), device.read(parts), 1e-12 * k);
      }
    }
  }
  const Matrix x = device.matrix_of(numbers(300 * 700, 4), 300, 700);
  const Matrix gram = device.matrix(700, 700);
  device.add_gram(1, x, gram);
  device.add_gram(-0.5, x, gram);
  device.symmetrise(gram);
  const Matrix all = device.matrix(700, 700);
  device.multiply(0.5, x, Op::transpose, x, Op::none, 0, all);
  expect_near(device.read(gram), device.read(all), 1e-11);
}

TEST_F(DeviceOperations, ColumnsGetTheSignOfTheirLargestEntry) {
  const Matrix x = device.matrix_of(Numbers{1, -3, 0, 2, -2, 3, 0, -2}, 2, 4);
  device.fix_column_signs(x);
  EXPECT_EQ(device.read(x), (Numbers{-1, 3, 0, 2, 2, -3, 0, -2}));
}

TEST_F(DeviceOperations, CrossEntropyIsTheLogOfTheSoftmax) {
  const Numbers logits = numbers(7 * 4, 12);
  const auto labels = device.index(std::vector<std::int32_t>{0, 3, 1, 1, 2, 0, 3});
  const Matrix p = device.matrix_of(logits, 7, 4);
  device.softmax_rows(p);
  const Matrix picked = device.matrix(1, 7);
  device.pick(p, labels, picked);
  double wanted = 1;
  for (const double value : device.read(picked)) {
    wanted -= std::log(value);
  }
  const Matrix z = device.matrix_of(logits, 7, 4);
  const Matrix losses = device.matrix_of(Numbers{1, 1}, 1, 2);
  device.add_cross_entropy(z, labels, losses.columns(0, 1));
  EXPECT_EQ(device.read(z), logits);
  device.softmax_cross_entropy(z, labels, losses.columns(1, 1));
  expect_near(device.read(losses), {wanted, wanted}, 1e-13);
  expect_near(device.read(z), device.read(p), 1e-15);
}

TEST_F(DeviceOperations, LogisticResidualsAreTheDerivativesOfTheLoss) {
  Numbers logits = numbers(5 * 40, 12);
  logits[3] = 800;
  logits[4] = -800;
  Numbers wanted(logits.size());
  double loss = 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i] = i % 3 == 0 ? 1 : 0;
    loss += (std::abs(logits[i]) > 700 ? std::max(logits[i], 0.0) : std::log(1 + std::exp(logits[i]))) -
            wanted[i] * logits[i];
  }
  const Matrix z = device.matrix_of(logits, 5, 40);
  const Matrix total = device.matrix_of(Numbers{1}, 1, 1);
  device.logistic_residuals(z, device.matrix_of(wanted, 5, 40), total);
  EXPECT_NEAR(device.number(total), loss, 1e-12 * loss);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i] = 1 / (1 + std::exp(-logits[i])) - wanted[i];
  }
  expect_near(device.read(z), wanted, 1e-14);
}

/// Against the correlation of the ranks, golden itself (agreement_test.cpp).
TEST_F(DeviceOperations, PairsOfTwoSetsOfRowsCorrelateByTheirRanks) {
  constexpr std::size_t n = 30;
  const Matrix x = device.matrix_of(numbers(n * 6, 41), n, 6);
  Numbers few = numbers(n * 4, 42);
  for (double& value : few) {
    value = value > 0.3 ? 1 : 0;  // ties
  }
  const Matrix y = device.matrix_of(few, n, 4);
  device.correlate_rows(x);
  device.correlate_rows(y);
  const auto distances_of = [&](const Matrix& rows) {
    const Numbers values = device.read(rows);
    Numbers steps;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const auto* a = values.data() + i * rows.cols();
        const auto* b = values.data() + j * rows.cols();
        steps.push_back(std::round((1 - std::inner_product(a, a + rows.cols(), b, 0.0)) * 0x1p30));
      }
    }
    return steps;
  };
  const double wanted = itm::spearman_rho(distances_of(x), distances_of(y)).value();
  EXPECT_NEAR(device.correlate_pairs(x, y, [] {}), wanted, 1e-12);
  EXPECT_NEAR(device.correlate_pairs(x, x, [] {}), 1, 1e-12);
  EXPECT_EQ(device.correlate_pairs(x, device.matrix(n, 3), [] {}), 0);
}

TEST_F(DeviceOperations, LogDeterminantsOfOnePlusManyMatrices) {
  std::vector<Matrix> some;
  Numbers wanted;
  for (const std::size_t dims : {3U, 40U, 7U}) {
    some.push_back(positive_definite(device, dims, dims));
    const Matrix vectors = device.copy_of(some.back());
    const Matrix values = device.scratch(1, dims);
    device.symmetric_eigen(vectors, values);
    wanted.push_back(0);
    for (const double value : device.read(values)) {
      wanted.back() += std::log1p(value);
    }
  }
  some.push_back(device.matrix_of(Numbers{-2}, 1, 1));
  const Matrix out = device.scratch(1, 4);
  device.log_dets_of_one_plus(some, out);
  Numbers found = device.read(out);
  EXPECT_TRUE(std::isnan(found.back())) << "not positive definite";
  found.pop_back();
  expect_near(found, wanted, 1e-12);
}

/// With one pair the formula is short: H = (I - s y'/c)(I - y s'/c) c / y'y + s s'/c, c = s'y.
TEST_F(DeviceOperations, LbfgsDirectionIsMinusTheInverseHessianTimesTheGradient) {
  const Numbers s = numbers(6, 31);
  Numbers y = numbers(6, 32);
  const Numbers g = numbers(6, 33);
  const auto dot = [](const Numbers& a, const Numbers& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  if (dot(s, y) < 0) {
    std::transform(y.begin(), y.end(), y.begin(), [](double v) { return -v; });
  }
  const double c = dot(s, y);
  Numbers q = g;
  const double alpha = dot(s, g) / c;
  for (std::size_t i = 0; i < 6; ++i) {
    q[i] = (g[i] - alpha * y[i]) * c / dot(y, y);
  }
  const double beta = dot(y, q) / c;
  Numbers wanted(6);
  for (std::size_t i = 0; i < 6; ++i) {
    wanted[i] = -(q[i] + (alpha - beta) * s[i]);
  }
  const std::vector<itm::LbfgsPair> pairs{
      {device.matrix_of(s, 2, 3), device.matrix_of(y, 2, 3), device.matrix_of(Numbers{c, dot(y, y)}, 1, 2)}};
  const Matrix gradient = device.matrix_of(g, 2, 3);
  const Matrix direction = device.scratch(2, 3);
  device.lbfgs_direction(gradient, pairs, direction);
  expect_near(device.read(direction), wanted, 1e-13);
  device.lbfgs_direction(gradient, {}, direction);
  device.add(1, gradient, direction);
  expect_near(device.read(direction), Numbers(6), 0);
}

TEST_F(DeviceOperations, SquaredDistancesOfNearRowsLoseNoDigits) {
  const double step = std::ldexp(1.0, -40);
  const Matrix a = device.matrix_of(Numbers{1e3, 2}, 1, 2);
  const Matrix b = device.matrix_of(Numbers{1e3, 2 + step, 1e3 - 3, 2}, 2, 2);
  const Matrix out = device.matrix(1, 2);
  device.squared_distances(a, b, out);
  EXPECT_EQ(device.read(out), (Numbers{step * step, 9}));
}

TEST_F(DeviceOperations, SmallestOfRowsPrefersTheLowerColumnAmongEquals) {
  const Matrix x = device.matrix_of(Numbers{3, 1, 1, 2, 5, 5, 5, 5}, 2, 4);
  EXPECT_EQ(device.smallest_of_rows(x, 3), (std::vector<std::int32_t>{1, 2, 3, 0, 1, 2}));
}

/// On points of a grid many distances are equal, and far from the origin products cannot tell near ones apart.
TEST_F(DeviceOperations, NearestRowsAreThoseOfAFullSearch) {
  constexpr std::size_t rows = 150;
  constexpr std::size_t dims = 3;
  constexpr std::size_t few = 5;
  for (const double origin : {0.0, 1e7}) {
    Numbers x = numbers(rows * dims, 41);
    std::transform(x.begin(), x.end(), x.begin(), [&](double v) { return origin + std::round(2 * v) / 1024; });
    x[0] = -origin;  // so that the mean is far from all
    const itm::RowSource source{
        rows, dims, [&](std::span<const std::uint32_t> wanted, const auto& block) {
          Numbers some;
          for (const std::uint32_t row : wanted) {
            some.insert(some.end(), x.begin() + row * dims, x.begin() + (row + 1) * dims);
          }
          block(wanted.empty() ? device.matrix_of(x, rows, dims) : device.matrix_of(some, wanted.size(), dims), 0);
        }};
    itm::Neighbourhoods found;
    device.nearest_rows(source, few, [&](std::size_t first, const itm::Neighbourhoods& some) {
      ASSERT_EQ(first * few, found.rows.size());
      found.rows.insert(found.rows.end(), some.rows.begin(), some.rows.end());
      found.distances.insert(found.distances.end(), some.distances.begin(), some.distances.end());
    });
    ASSERT_EQ(found.rows.size(), rows * few);
    for (std::size_t i = 0; i < rows; ++i) {
      std::vector<std::pair<double, std::int32_t>> all;
      for (std::size_t k = 0; k < rows; ++k) {
        double square = 0;
        for (std::size_t d = 0; d < dims; ++d) {
          square += (x[i * dims + d] - x[k * dims + d]) * (x[i * dims + d] - x[k * dims + d]);
        }
        all.emplace_back(square, static_cast<std::int32_t>(k));
      }
      std::sort(all.begin(), all.end());
      for (std::size_t n = 0; n < few; ++n) {
        ASSERT_EQ(found.rows[i * few + n], all[n].second) << "neighbour " << n << " of row " << i;
        ASSERT_NEAR(found.distances[i * few + n], all[n].first, 1e-15 * all[n].first);
      }
    }
  }
}

TEST_F(DeviceOperations, SortsShortAndLongVectorsWithNegativesAndInfinities) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{100}, std::size_t{20'000}}) {
    Numbers values = numbers(count, count);
    for (std::size_t i = 0; i < count; i += 7) {
      values[i] *= 1e300;
    }
    values[0] = -INFINITY;
    if (count > 1) {
      values[count / 2] = 0;
      values[count - 1] = INFINITY;
    }
    const Matrix x = device.matrix_of(values, 1, count);
    device.sort(x);
    std::sort(values.begin(), values.end());
    EXPECT_EQ(device.read(x), values);
  }
}

/// Average ranks of all pairs by the book.
itm::PairRanks pair_ranks(const Numbers& x, std::size_t rows, std::size_t cols,
                          const std::vector<std::int32_t>& labels) {
  std::vector<std::pair<double, bool>> pairs;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = i + 1; j < rows; ++j) {
      const double dot = std::inner_product(x.begin() + static_cast<std::ptrdiff_t>(i * cols),
                                            x.begin() + static_cast<std::ptrdiff_t>((i + 1) * cols),
                                            x.begin() + static_cast<std::ptrdiff_t>(j * cols), 0.0);
      pairs.emplace_back(std::round((1 - dot) * 1e8), labels[i] == labels[j]);
    }
  }
  itm::PairRanks wanted;
  wanted.pairs = static_cast<double>(pairs.size());
  std::map<double, double> groups;
  for (const auto& [distance, same] : pairs) {
    groups[distance] += 1;
    if (same) {
      wanted.same += 1;
      double rank = 0.5;
      for (const auto& [other, ignored] : pairs) {
        rank += other < distance ? 1 : (other == distance ? 0.5 : 0);
      }
      wanted.same_rank_sum += rank;
    }
  }
  for (const auto& [distance, tied] : groups) {
    wanted.ties += (tied * tied - 1) * tied;
  }
  return wanted;
}

TEST_F(DeviceOperations, PairRanksCountTiesAndSameClassPairs) {
  constexpr std::size_t rows = 41;  // more than one block of rows
  constexpr std::size_t cols = 3;
  Numbers x = numbers(rows * cols, 11);
  std::copy_n(x.begin(), cols, x.begin() + cols);       // a duplicate: distance 0 and many ties
  std::copy_n(x.begin(), cols, x.begin() + 20 * cols);  // another
  std::vector<std::int32_t> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    labels[i] = static_cast<std::int32_t>(i % 4);
  }
  const Matrix matrix = device.matrix_of(x, rows, cols);
  device.correlate_rows(matrix);
  const itm::PairRanks wanted = pair_ranks(device.read(matrix), rows, cols, labels);
  const itm::PairRanks found = device.rank_pairs(matrix, device.index(labels));
  EXPECT_EQ(found.pairs, wanted.pairs);
  EXPECT_EQ(found.same, wanted.same);
  EXPECT_EQ(found.same_rank_sum, wanted.same_rank_sum);
  EXPECT_EQ(found.ties, wanted.ties);
}

}  // namespace
