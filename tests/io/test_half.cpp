// float16 and bfloat16 against the definition of the formats, over all 65,536 bit patterns.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "files.hpp"
#include "io/half.hpp"
#include "itm/array.hpp"

namespace itm {
namespace {

/// sign * fraction * 2^exponent, straight from IEEE 754.
double f16_by_definition(unsigned bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(bits >> 10U & 31U);
  const double fraction = bits & 1023U;
  if (exponent == 31) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

double bf16_by_definition(unsigned bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(bits >> 7U & 255U);
  const double fraction = bits & 127U;
  if (exponent == 255) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -133);
  return sign * std::ldexp(128 + fraction, exponent - 134);
}

void expect_same(double actual, double expected, unsigned bits) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(actual)) << "pattern " << bits;
    return;
  }
  ASSERT_EQ(actual, expected) << "pattern " << bits;
  ASSERT_EQ(std::signbit(actual), std::signbit(expected)) << "pattern " << bits;
}

std::vector<std::uint16_t> all_patterns() {
  std::vector<std::uint16_t> patterns(65'536);
  for (unsigned bits = 0; bits < 65'536; ++bits) patterns[bits] = static_cast<std::uint16_t>(bits);
  return patterns;
}

TEST(Half, EveryFloat16PatternConvertsExactly) {
  for (unsigned bits = 0; bits < 65'536; ++bits) {
    expect_same(io::float_from_f16(static_cast<std::uint16_t>(bits)), f16_by_definition(bits), bits);
  }
}

TEST(Half, EveryBfloat16PatternConvertsExactly) {
  for (unsigned bits = 0; bits < 65'536; ++bits) {
    expect_same(io::float_from_bf16(static_cast<std::uint16_t>(bits)), bf16_by_definition(bits), bits);
  }
}

/// The row readers go through vector code; odd lengths reach its tail, an odd address its unaligned loads.
TEST(Half, RowsOfFloat16ConvertLikeSingleValues) {
  for (const bool big_endian : {false, true}) {
    const std::string bytes = "x" + test::bytes_of_all(all_patterns(), big_endian);
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data()) + 1;
    const Array array("made.npy", DType::f16, big_endian, {1, 65'533}, false, data, nullptr);
    std::vector<float> floats(array.cols());
    std::vector<double> doubles(array.cols());
    array.read_row<float>(0, floats);
    array.read_row<double>(0, doubles);
    for (unsigned bits = 0; bits < array.cols(); ++bits) {
      expect_same(floats[bits], f16_by_definition(bits), bits);
      expect_same(doubles[bits], f16_by_definition(bits), bits);
    }
  }
}

TEST(Half, RowsOfBfloat16ConvertLikeSingleValues) {
  const std::string bytes = test::bytes_of_all(all_patterns());
  const Array array("made.safetensors", DType::bf16, false, {65'536}, false,
                    reinterpret_cast<const std::byte*>(bytes.data()), nullptr);
  const std::vector<double> doubles = array.to_doubles();
  ASSERT_EQ(doubles.size(), 65'536U);
  for (unsigned bits = 0; bits < doubles.size(); ++bits) expect_same(doubles[bits], bf16_by_definition(bits), bits);
}

/// Between two neighbours the nearer one, in the middle the even one.
TEST(Half, FloatsRoundToTheNearestFloat16) {
  for (unsigned bits = 0; bits < 0x7C00; ++bits) {
    const auto below = static_cast<std::uint16_t>(bits);
    const auto above = static_cast<std::uint16_t>(bits + 1);
    const float low = io::float_from_f16(below);
    const float high = bits + 1 == 0x7C00 ? 65536.0F : io::float_from_f16(above);
    const float middle = low + (high - low) / 2;
    for (const unsigned sign : {0U, 0x8000U}) {
      const float factor = sign == 0 ? 1.0F : -1.0F;
      const auto expect = [&](float value, unsigned want) {
        ASSERT_EQ(io::f16_from_float(factor * value), want | sign) << value;
      };
      expect(low, bits);
      expect(std::nextafter(middle, low), bits);
      expect(middle, bits % 2 == 0 ? bits : bits + 1);
      expect(std::nextafter(middle, high), bits + 1);
    }
  }
  EXPECT_EQ(io::f16_from_float(1e30F), 0x7C00);
  EXPECT_EQ(io::f16_from_float(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_TRUE(std::isnan(io::float_from_f16(io::f16_from_float(std::nanf("")))));
  EXPECT_EQ(io::f16_from_float(std::numeric_limits<float>::denorm_min()), 0);
}

}  // namespace
}  // namespace itm
