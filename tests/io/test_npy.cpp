// The .npy reader and writer: every dtype, byte order, storage order and version, and files written by numpy itself.

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "files.hpp"
#include "io/mapped_file.hpp"
#include "itm/array.hpp"
#include "paths.hpp"

namespace itm {
namespace {

using test::bytes_of;
using test::npy;
using test::npy_dict;

/// The bytes of one small number in a dtype; float16 by its bit patterns.
std::string element(const std::string& code, int value, bool big_endian) {
  static constexpr std::uint16_t small_halves[] = {0x0000, 0x3C00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600};
  const char kind = code[0];
  switch (code[1]) {
    case '1':
      return bytes_of(static_cast<std::uint8_t>(kind == 'b' ? value % 2 : value));
    case '2':
      if (kind == 'f') return bytes_of(small_halves[value], big_endian);
      return bytes_of(static_cast<std::int16_t>(value), big_endian);
    case '4':
      if (kind == 'f') return bytes_of(static_cast<float>(value), big_endian);
      return bytes_of(static_cast<std::int32_t>(value), big_endian);
    default:
      if (kind == 'f') return bytes_of(static_cast<double>(value), big_endian);
      return bytes_of(static_cast<std::int64_t>(value), big_endian);
  }
}

class NpyRoundTrip : public test::FileTest, public ::testing::WithParamInterface<std::string> {
 protected:
  static constexpr std::size_t rows = 2;
  static constexpr std::size_t cols = 3;

  /// [[0, 1, 2], [3, 4, 5]] written with the given layout, read back in every way.
  void check(const std::string& code, char order, bool fortran, int version) const {
    std::string data;
    for (std::size_t at = 0; at < rows * cols; ++at) {
      const std::size_t value = fortran ? at % rows * cols + at / rows : at;
      data += element(code, static_cast<int>(value), order == '>');
    }
    const auto file = write("made.npy", npy(npy_dict(order + code, "(2, 3)", fortran), data, version));
    const Array array = read_array(file);

    std::vector<double> expected{0, 1, 2, 3, 4, 5};
    if (code == "b1") expected = {0, 1, 0, 1, 0, 1};
    EXPECT_EQ(array.shape(), (std::vector<std::size_t>{rows, cols}));
    EXPECT_EQ(array.source(), file);
    EXPECT_EQ(array.to_doubles(), expected);
    EXPECT_EQ(array.to_integers(), std::vector<std::int64_t>(expected.begin(), expected.end()));
    const bool big_endian = order == '>' && code[1] != '1';
    EXPECT_EQ(array.is_native_row_major(), !fortran && !big_endian);

    const Array native = array.to_native_row_major();
    EXPECT_TRUE(native.is_native_row_major());
    EXPECT_EQ(native.dtype(), array.dtype());
    EXPECT_EQ(native.source(), file);
    check_rows(array, expected);
    check_rows(native, expected);
  }

 private:
  static void check_rows(const Array& array, const std::vector<double>& expected) {
    for (std::size_t i = 0; i < rows; ++i) {
      std::vector<float> floats(cols);
      std::vector<double> doubles(cols);
      array.read_row<float>(i, floats);
      array.read_row<double>(i, doubles);
      const auto row = expected.begin() + static_cast<std::ptrdiff_t>(i * cols);
      EXPECT_EQ(doubles, std::vector<double>(row, row + cols));
      EXPECT_EQ(floats, std::vector<float>(row, row + cols));
    }
  }
};

TEST_P(NpyRoundTrip, InEveryByteOrderStorageOrderAndVersion) {
  for (const char order : {'<', '>', '=', '|'}) {
    for (const bool fortran : {false, true}) {
      for (const int version : {1, 2, 3}) {
        SCOPED_TRACE(std::string("byte order ") + order + (fortran ? ", Fortran" : ", C") + " order, version " +
                     std::to_string(version));
        check(GetParam(), order, fortran, version);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryDtype, NpyRoundTrip,
                         ::testing::Values("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"),
                         [](const auto& param) { return param.param; });

class Npy : public test::FileTest {
 protected:
  static std::filesystem::path golden(const std::string& name) {
    return std::filesystem::path(testing::tests_folder() + "/io/golden") / name;
  }
};

/// numpy.arange(12).reshape(3, 4) * 0.5 - 2
std::vector<double> golden_values() {
  std::vector<double> values(12);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) * 0.5 - 2;
  return values;
}

TEST_F(Npy, ReadsFilesWrittenByNumpy) {
  struct Row {
    const char* name;
    DType dtype;
  };
  for (const Row& row :
       {Row{"float16_c.npy", DType::f16}, Row{"float32_c.npy", DType::f32}, Row{"float64_fortran.npy", DType::f64},
        Row{"float32_big_endian.npy", DType::f32}, Row{"float32_version2.npy", DType::f32}}) {
    const Array array = read_array(golden(row.name));
    EXPECT_EQ(array.dtype(), row.dtype) << row.name;
    EXPECT_EQ(array.to_doubles(), golden_values()) << row.name;
  }
  EXPECT_EQ(read_array(golden("int64_labels.npy")).to_integers(),
            (std::vector<std::int64_t>{0, 1, 2, 3, -4, std::int64_t{1} << 40U}));
  EXPECT_EQ(read_array(golden("uint8_column.npy")).shape(), (std::vector<std::size_t>{3, 1}));
  EXPECT_EQ(read_array(golden("uint8_column.npy")).to_integers(), (std::vector<std::int64_t>{0, 1, 255}));
  EXPECT_EQ(read_array(golden("bool.npy")).to_integers(), (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_EQ(read_array(golden("int16_version3.npy")).to_integers(),
            (std::vector<std::int64_t>{-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(Npy, WritesTheBytesThatNumpyWrites) {
  std::vector<float> values(12);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.5F - 2;
  const std::size_t shape[] = {3, 4};
  write_npy<float>(folder / "out.npy", values, shape);
  EXPECT_EQ(test::read_file(folder / "out.npy"), test::read_file(golden("float32_c.npy")));

  const std::vector<std::int64_t> labels{0, 1, 2, 3, -4, std::int64_t{1} << 40U};
  const std::size_t length[] = {labels.size()};
  write_npy<std::int64_t>(folder / "labels.npy", labels, length);
  EXPECT_EQ(test::read_file(folder / "labels.npy"), test::read_file(golden("int64_labels.npy")));
  EXPECT_EQ(names_in_folder(), (std::vector<std::string>{"labels.npy", "out.npy"}));  // no temporary file stays
}

TEST_F(Npy, WriterRefusesAShapeThatDoesNotFit) {
  const std::vector<double> values(5);
  const std::size_t shape[] = {2, 3};
  EXPECT_REFUSED(write_npy<double>(folder / "out.npy", values, shape), "do not fill its shape");
  EXPECT_TRUE(names_in_folder().empty());
}

TEST_F(Npy, HeadersMayBeWrittenInOtherWays) {
  const std::string data = test::bytes_of_all<float>({1, 2});
  for (const std::string dict :
       {"{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}",
        "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,)}",
        "  {'descr': u'<f4', 'fortran_order': False, 'shape': (2L,), 'extra': [1, (None, {})], }\n",
        "{'descr': 'f4', 'fortran_order': False, 'shape': [2]}"}) {
    const Array array = read_array(write("made.npy", npy(dict, data)));
    EXPECT_EQ(array.to_doubles(), (std::vector<double>{1, 2})) << dict;
    EXPECT_EQ(array.rows(), 2U);
    EXPECT_EQ(array.cols(), 1U);
  }
}

TEST_F(Npy, FeaturesAreMappedNotCopied) {
  const auto file = write("made.npy", test::npy_features(8, 4));
  const Array array = read_array(file);
  EXPECT_TRUE(array.is_native_row_major());
  // Within a page of a mapping, a 64-byte header puts the data at the header's length.
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 4096, test::npy_features(8, 4).size() - 8 * 4 * 4);
  EXPECT_EQ(array.to_native_row_major().data(), array.data());
}

TEST_F(Npy, ADataOffsetThatBreaksAlignmentIsReadSafely) {
  const std::string dict = npy_dict("<f8", "(2, 2)");
  std::string file = "\x93NUMPY";
  file += std::string("\x01\x00", 2);
  file += bytes_of(static_cast<std::uint16_t>(dict.size() + 1));  // unpadded: the data starts at an odd place
  file += dict + std::string((dict.size() + 11) % 8 == 0 ? "  " : " ");
  file[8] = static_cast<char>(file.size() - 10);
  file += test::bytes_of_all<double>({1, 2, 3, 4});
  const Array array = read_array(write("odd.npy", file));
  ASSERT_NE(reinterpret_cast<std::uintptr_t>(array.data()) % 8, 0U);
  EXPECT_FALSE(array.is_native_row_major());
  EXPECT_EQ(array.to_doubles(), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_TRUE(array.to_native_row_major().is_native_row_major());
  EXPECT_EQ(array.to_native_row_major().to_doubles(), (std::vector<double>{1, 2, 3, 4}));
}

/// Larger than one tile and one chunk in both directions, with ragged edges; every element is distinct.
TEST_F(Npy, LargeFortranAndBigEndianArraysConvert) {
  constexpr std::size_t rows = 1'531;
  constexpr std::size_t cols = 75;
  for (const bool fortran : {false, true}) {
    for (const bool big_endian : {false, true}) {
      std::string data;
      for (std::size_t at = 0; at < rows * cols; ++at) {
        const std::size_t value = fortran ? at % rows * cols + at / rows : at;
        data += bytes_of(static_cast<std::int32_t>(value), big_endian);
      }
      const auto file = write("made.npy", npy(npy_dict(big_endian ? ">i4" : "<i4", "(1531, 75)", fortran), data));
      const Array array = read_array(file);
      std::vector<std::int64_t> expected(rows * cols);
      std::iota(expected.begin(), expected.end(), 0);
      const Array native = array.to_native_row_major();
      EXPECT_TRUE(native.is_native_row_major());
      EXPECT_EQ(native.to_integers(), expected);
      // The pages given back on the way come back from the file.
      EXPECT_EQ(array.to_integers(), expected);
      EXPECT_EQ(array.to_doubles(), std::vector<double>(expected.begin(), expected.end()));
    }
  }
}

TEST_F(Npy, AnArrayOutlivesTheNameOfItsFile) {
  const auto file = write("made.npy", test::npy_features(4, 2));
  const Array array = read_array(file);
  std::filesystem::remove(file);
  EXPECT_EQ(array.to_doubles(), (std::vector<double>{0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75}));
}

TEST_F(Npy, IntegersMustBeIntegral) {
  const auto labels = [&](const std::string& descr, const std::string& data) {
    return read_array(write("l.npy", npy(npy_dict(descr, "(2,)"), data)));
  };
  EXPECT_EQ(labels("<f4", test::bytes_of_all<float>({3, -7})).to_integers(), (std::vector<std::int64_t>{3, -7}));
  EXPECT_REFUSED(labels("<f8", test::bytes_of_all<double>({1, 0.5})).to_integers(), "the value in row 1 is 0.5");
  EXPECT_REFUSED(labels("<f4", test::bytes_of_all<float>({std::numeric_limits<float>::quiet_NaN(), 0})).to_integers(),
                 "row 0 is nan");
  EXPECT_REFUSED(labels("<f8", test::bytes_of_all<double>({0, 1e300})).to_integers(), "row 1 is 1e+300");
  EXPECT_REFUSED(labels("<u8", test::bytes_of_all<std::uint64_t>({0, ~std::uint64_t{0}})).to_integers(),
                 "row 1 is 18446744073709551615");
}

TEST_F(Npy, HasNoKeys) { EXPECT_TRUE(array_keys(write("made.npy", test::npy_features(2, 2))).empty()); }

TEST_F(Npy, AForeignSuffixIsRecognisedByItsFirstBytes) {
  const std::filesystem::path file = write("features.bin", test::npy_features(2, 2));
  EXPECT_EQ(read_array(file).rows(), 2U);
  const std::string archive = test::zip({{"feature.npy", test::npy_features(3, 2)}}, test::Packing::stored);
  EXPECT_EQ(read_array(write("archive", archive)).rows(), 3U);
}

TEST(Array, OfRowsThatAreApartIsReadWhole) {
  // [3, 2] at the beginning of rows of four numbers, in both byte orders.
  const std::vector<double> expected = {0, 1, 4, 5, 8, 9};
  for (const bool swapped : {false, true}) {
    std::vector<std::uint32_t> words(12);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(i));
      words[i] = swapped ? __builtin_bswap32(bits) : bits;
    }
    const bool big_endian = swapped != (std::endian::native == std::endian::big);
    const auto array = Array::with_row_stride("caller", DType::f32, big_endian, {3, 2},
                                              reinterpret_cast<const std::byte*>(words.data()), 16);
    EXPECT_EQ(array.to_doubles(), expected);
    EXPECT_EQ(array.to_native_row_major().to_doubles(), expected);
  }
}

TEST(DTypes, HaveNamesAndSizes) {
  struct Row {
    DType type;
    const char* name;
    std::size_t size;
    bool floating;
  };
  for (const Row& row :
       {Row{DType::f16, "float16", 2, true}, Row{DType::bf16, "bfloat16", 2, true}, Row{DType::f32, "float32", 4, true},
        Row{DType::f64, "float64", 8, true}, Row{DType::i8, "int8", 1, false}, Row{DType::i16, "int16", 2, false},
        Row{DType::i32, "int32", 4, false}, Row{DType::i64, "int64", 8, false}, Row{DType::u8, "uint8", 1, false},
        Row{DType::u16, "uint16", 2, false}, Row{DType::u32, "uint32", 4, false}, Row{DType::u64, "uint64", 8, false},
        Row{DType::boolean, "bool", 1, false}}) {
    EXPECT_EQ(name_of(row.type), row.name);
    EXPECT_EQ(size_of(row.type), row.size);
    EXPECT_EQ(is_floating(row.type), row.floating);
  }
}

}  // namespace
}  // namespace itm
