// TF32 numbers, the instruction that multiplies them, and the grouped product made of it.

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "device_test.hpp"
#include "kernels/grouped_product.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// What to_tf32() should give, by arithmetic.
float nearest_tf32(float x) {
  int exponent = 0;
  const float fraction = std::frexp(x, &exponent);
  return std::ldexp(std::round(std::ldexp(fraction, 11)), exponent - 11);
}

ITM_KERNEL void split_all(const float* x, float* high, float* low) {
  const SplitFloat split(x[threadIdx.x]);
  high[threadIdx.x] = split.high;
  low[threadIdx.x] = split.low;
}

/// One instruction of one warp.
ITM_KERNEL void multiply_once(const float* a, const float* b, float* c) {
  const unsigned g = threadIdx.x / 4;
  const unsigned t = threadIdx.x % 4;
  const float left[4] = {a[g * 8 + t], a[(g + 8) * 8 + t], a[g * 8 + t + 4], a[(g + 8) * 8 + t + 4]};
  const float right[2] = {b[t * 8 + g], b[(t + 4) * 8 + g]};
  float* at = c + g * 8 + t * 2;
  float sum[4] = {at[0], at[1], at[64], at[65]};
  tensor_product(sum, left, right);
  at[0] = sum[0];
  at[1] = sum[1];
  at[64] = sum[2];
  at[65] = sum[3];
}

/// C = op(A) op(B) (+ C) on made numbers.
struct MadeProduct {
  std::size_t m;
  std::size_t n;
  std::size_t k;
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
  std::vector<float> a = {};
  std::vector<float> b = {};
  std::vector<float> c = {};

  /// Normal numbers; `as_tf32`: rounded.
  void fill(unsigned seed, bool as_tf32) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    const auto numbers = [&](std::size_t count, bool rounded) {
      std::vector<float> out(count);
      for (float& x : out) {
        x = normal(generator);
        x = rounded ? nearest_tf32(x) : x;
      }
      return out;
    };
    a = numbers(m * k, as_tf32);
    b = numbers(k * n, as_tf32);
    c = numbers(m * n, false);
  }
  [[nodiscard]] double left(std::size_t i, std::size_t p) const { return transpose_a ? a[p * m + i] : a[i * k + p]; }
  [[nodiscard]] double right(std::size_t p, std::size_t j) const { return transpose_b ? b[j * k + p] : b[p * n + j]; }
};

class ITM_DEVICE(TensorCores) : public DeviceTest {
 protected:
  /// The results of products in one launch.
  std::vector<std::vector<float>> multiply(const std::vector<MadeProduct>& products, Precision precision) {
    std::vector<DeviceBuffer<float>> buffers;
    std::vector<Gemm<float>> group;
    for (const MadeProduct& p : products) {
      buffers.emplace_back(api(), p.a);
      buffers.emplace_back(api(), p.b);
      buffers.emplace_back(api(), p.c);
      const auto view = [](const DeviceBuffer<float>& buffer, bool transposed, std::size_t rows, std::size_t cols) {
        return transposed ? BasicView<float>(buffer.data(), cols, rows, rows)
                          : BasicView<float>(buffer.data(), rows, cols, cols);
      };
      const auto op = [](bool transposed) { return transposed ? Op::transpose : Op::none; };
      const std::size_t last = buffers.size() - 1;
      group.push_back({view(buffers[last - 2], p.transpose_a, p.m, p.k),
                       view(buffers[last - 1], p.transpose_b, p.k, p.n), view(buffers[last], false, p.m, p.n),
                       op(p.transpose_a), op(p.transpose_b), p.accumulate});
    }
    std::unique_ptr<GemmGroup> work;
    const Arena arena(
        api(), [&](Layout& layout) { work = std::make_unique<GroupedProducts>(api(), group, precision, layout); });
    work->run();
    std::vector<std::vector<float>> results;
    for (std::size_t i = 2; i < buffers.size(); i += 3) {
      results.push_back(buffers[i].download());
    }
    return results;
  }

  /// How far a result is from the product of the numbers of `p` in float64, at most: in sums of |a| |b| (and |c|).
  static double deviation(const MadeProduct& p, const std::vector<float>& got) {
    double worst = 0;
    for (std::size_t i = 0; i < p.m; ++i) {
      for (std::size_t j = 0; j < p.n; ++j) {
        double want = p.accumulate ? p.c[i * p.n + j] : 0.0;
        double size = std::abs(want);
        for (std::size_t q = 0; q < p.k; ++q) {
          const double term = p.left(i, q) * p.right(q, j);
          want += term;
          size += std::abs(term);
        }
        const double gap = std::abs(static_cast<double>(got[i * p.n + j]) - want) / size;
        worst = gap <= worst ? worst : gap;  // a NaN is the worst
      }
    }
    return worst;
  }
};

TEST_F(ITM_DEVICE(TensorCores), RoundToTheNearestTf32AwayFromZero) {
  const float infinite = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<float, float>> cases{
      {0.0F, 0.0F},
      {1.0F, 1.0F},
      {0x1.002p0F, 0x1.004p0F},     // half way
      {-0x1.002p0F, -0x1.004p0F},   // to the greater magnitude
      {0x1.006p0F, 0x1.008p0F},     // not to even
      {0x1.001FFEp0F, 0x1.0p0F},    // just below half way
      {0x1.002002p0F, 0x1.004p0F},  // just above
      {0x1.FFEp5F, 0x1.0p6F},       // carried into the exponent
      {0x1.FFCp-120F, 0x1.FFCp-120F},
      {std::numeric_limits<float>::max(), infinite},
      {-infinite, -infinite},
  };
  std::vector<float> x;
  for (const auto& one : cases) {
    x.push_back(one.first);
  }
  x.push_back(std::nanf(""));
  const DeviceBuffer<float> from(api(), x);
  const DeviceBuffer<float> high(api(), x.size());
  const DeviceBuffer<float> low(api(), x.size());
  launch(api(), split_all, dim3(1), dim3(static_cast<unsigned>(x.size())), from.data(), high.data(), low.data());
  const std::vector<float> got = high.download();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(got[i], cases[i].second) << "of " << cases[i].first;
  }
  EXPECT_TRUE(std::isnan(got.back()));
}

TEST_F(ITM_DEVICE(TensorCores), SplitAFloatIntoTwoTf32) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> x(1024);
  std::generate(x.begin(), x.end(), [&] { return std::exp(10 * normal(generator)) * normal(generator); });
  const DeviceBuffer<float> from(api(), x);
  const DeviceBuffer<float> high(api(), x.size());
  const DeviceBuffer<float> low(api(), x.size());
  launch(api(), split_all, dim3(1), dim3(static_cast<unsigned>(x.size())), from.data(), high.data(), low.data());
  const std::vector<float> h = high.download();
  const std::vector<float> l = low.download();
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(h[i], nearest_tf32(x[i]));
    EXPECT_EQ(l[i], nearest_tf32(x[i] - h[i]));
    EXPECT_LE(std::abs(static_cast<double>(x[i]) - h[i] - l[i]), 0x1p-23 * std::abs(x[i]));
  }
}

TEST_F(ITM_DEVICE(TensorCores), MultiplyWhatTheLanesOfAWarpHold) {
  std::vector<float> a(16 * 8);
  std::vector<float> b(8 * 8);
  std::vector<float> c(16 * 8);
  std::mt19937 generator(5);
  std::uniform_int_distribution<int> whole(-9, 9);
  for (std::vector<float>* numbers : {&a, &b, &c}) {
    std::generate(numbers->begin(), numbers->end(), [&] { return static_cast<float>(whole(generator)); });
  }
  std::vector<float> want = c;
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      for (std::size_t k = 0; k < 8; ++k) {
        want[i * 8 + j] += a[i * 8 + k] * b[k * 8 + j];
      }
    }
  }
  const auto got = in_every_order([&] {
    const DeviceBuffer<float> left(api(), a);
    const DeviceBuffer<float> right(api(), b);
    const DeviceBuffer<float> sum(api(), c);
    launch(api(), multiply_once, dim3(1), dim3(warp_size), left.data(), right.data(), sum.data());
    return sum.download();
  });
  EXPECT_EQ(got, want) << "whole numbers are exact";
}

/// Within a tile, beyond one, k on both sides of a slice, of a warp's share and of a block's.
std::vector<MadeProduct> odd_products(bool as_tf32 = false) {
  std::vector<MadeProduct> products{{1, 1, 1},     {5, 3, 7},    {33, 20, 17},  {4, 9, 33},
                                    {34, 33, 100}, {70, 68, 36}, {12, 40, 128}, {4, 9, 261}};
  const std::size_t shapes = products.size();
  for (const unsigned bits : {1U, 2U, 3U, 4U, 7U}) {
    for (std::size_t i = 0; i < shapes; ++i) {
      MadeProduct p = products[i];
      p.transpose_a = (bits & 1U) != 0;
      p.transpose_b = (bits & 2U) != 0;
      p.accumulate = (bits & 4U) != 0;
      products.push_back(p);
    }
  }
  for (std::size_t i = 0; i < products.size(); ++i) {
    products[i].fill(static_cast<unsigned>(i), as_tf32);
  }
  return products;
}

/// What 3xTF32 may be off by, in sums of |a| |b|: 2^-21 for what a product leaves out. A warp adds eight times at full
/// size, the last slice's small products, and both slices' large ones, four k at a time; each time the coarsest tensor
/// cores cut off less than 2^-23 of the largest of five numbers. The sums of float32 round by 2^-24 each.
constexpr double most_deviation = 0x1p-21 + 8 * 5 * 0x1p-23 + 16 * 0x1p-24;

TEST_F(ITM_DEVICE(TensorCores), ProductsAreThoseOfFloat64WithinTheRoundingThatIsLeft) {
  const std::vector<MadeProduct> products = odd_products();
  const auto got = in_every_order([&] { return multiply(products, Precision::tf32x3); });
  const std::vector<MadeProduct> rounded = odd_products(true);
  const auto coarse = multiply(rounded, Precision::tf32x3);  // nothing is left of them but the TF32 product
  for (std::size_t i = 0; i < products.size(); ++i) {
    EXPECT_LE(deviation(products[i], got[i]), most_deviation) << i;
    EXPECT_LE(deviation(rounded[i], coarse[i]), most_deviation) << i;
    EXPECT_GT(deviation(products[i], coarse[i]), 2 * most_deviation) << "TF32 would do: " << i;
  }
}

TEST_F(ITM_DEVICE(TensorCores), BitsOfAProductDependOnItAlone) {
  const std::vector<MadeProduct> products = odd_products();
  const auto together = multiply(products, Precision::tf32x3);
  for (std::size_t i = 0; i < products.size(); ++i) {
    EXPECT_TRUE(multiply({products[i]}, Precision::tf32x3).front() == together[i]) << i;
  }
}

/// The products of an iteration at B = 256, C = 100, D = 1024; docs/gpu.md has what this records.
TEST_F(ITM_DEVICE(TensorCores), DeviateLittleAtThePapersShapes) {
  const std::vector<std::pair<std::string, MadeProduct>> shapes{
      {"theta", {256, 100, 1024, false, true}},
      {"inner", {100, 100, 256, true, false}},
      {"recurrence", {256, 100, 100, false, false, true}},
      {"gradient", {100, 1025, 256, true, false}},
  };
  for (auto [name, product] : shapes) {
    product.fill(11, false);
    MadeProduct rounded = product;
    rounded.fill(11, true);
    const double in_float32 = deviation(product, multiply({product}, Precision::float32).front());
    const double split = deviation(product, multiply({product}, Precision::tf32x3).front());
    const double tf32 = deviation(product, multiply({rounded}, Precision::tf32x3).front());
    const auto record = [&name = name](const char* what, double value) {
      ::testing::Test::RecordProperty(name + "_" + what, std::to_string(std::log2(value)));
    };
    record("float32", in_float32);
    record("3xtf32", split);
    record("tf32", tf32);
    EXPECT_LE(split, 0x1p-21) << name;
    EXPECT_LE(split, 4 * in_float32) << name;
    EXPECT_GE(tf32, 50 * split) << name;
  }
}

}  // namespace
}  // namespace itm::ITM_KERNELS
