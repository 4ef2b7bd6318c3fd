// .npz and .safetensors: what is read, and how an array inside is named.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"
#include "itm/array.hpp"
#include "paths.hpp"

namespace itm {
namespace {

class Archives : public test::FileTest {
 protected:
  static std::filesystem::path golden(const std::string& name) {
    return std::filesystem::path(testing::tests_folder() + "/io/golden") / name;
  }
};

TEST_F(Archives, NpzMembersAreReadStoredAndDeflated) {
  for (const test::Packing packing : {test::Packing::stored, test::Packing::deflated}) {
    const auto file = write("m_d.npz", test::zip({{"label.npy", test::npy_labels({4, 5, 6})},
                                                  {"feature.npy", test::npy_features(3, 2)},
                                                  {"notes.txt", "hello"}},
                                                 packing));
    EXPECT_EQ(array_keys(file), (std::vector<std::string>{"feature", "label"}));
    const Array feature = read_array(file, "feature");
    EXPECT_EQ(feature.to_doubles(), (std::vector<double>{0, 0.25, 0.5, 0.75, 1, 1.25}));
    EXPECT_EQ(feature.source(), file);
    EXPECT_TRUE(feature.is_native_row_major());
    EXPECT_EQ(read_array(file, "label").to_integers(), (std::vector<std::int64_t>{4, 5, 6}));
    EXPECT_EQ(read_array(file).rows(), 3U);  // the key `feature` is meant when none is named
  }
}

/// More than the first buffer of the unpacker, so that it has to grow.
TEST_F(Archives, LargeNpzMembersAreReadWhole) {
  constexpr std::size_t rows = 5'000;
  constexpr std::size_t cols = 200;
  for (const test::Packing packing : {test::Packing::stored, test::Packing::deflated}) {
    const auto file = write("m_d.npz", test::zip({{"feature.npy", test::npy_features(rows, cols)}}, packing));
    const std::vector<double> values = read_array(file).to_doubles();
    ASSERT_EQ(values.size(), rows * cols);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], static_cast<double>(i) * 0.25);
  }
}

TEST_F(Archives, NpzFilesWrittenByNumpyAreRead) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    EXPECT_EQ(array_keys(golden(name)), (std::vector<std::string>{"feature", "label"}));
    const std::vector<double> values = read_array(golden(name)).to_doubles();
    ASSERT_EQ(values.size(), 12U);
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(values[i], static_cast<double>(i) * 0.5 - 2) << name;
    EXPECT_EQ(read_array(golden(name), "label").to_integers(), (std::vector<std::int64_t>{0, 1, 2}));
  }
}

TEST_F(Archives, SafetensorsWrittenByItsLibraryAreRead) {
  const auto file = golden("written_by_safetensors.safetensors");
  EXPECT_EQ(array_keys(file), (std::vector<std::string>{"feature", "label"}));  // __metadata__ is no array
  const std::vector<double> values = read_array(file).to_doubles();
  ASSERT_EQ(values.size(), 12U);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(values[i], static_cast<double>(i) * 0.5 - 2);
  EXPECT_EQ(read_array(file, "label").to_integers(), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(Archives, EverySafetensorsTypeIsRead) {
  struct Row {
    const char* name;
    DType dtype;
    std::string three;
    std::string four;
  };
  const Row rows[] = {
      {"F16", DType::f16, test::bytes_of<std::uint16_t>(0x4200), test::bytes_of<std::uint16_t>(0x4400)},
      {"BF16", DType::bf16, test::bytes_of<std::uint16_t>(0x4040), test::bytes_of<std::uint16_t>(0x4080)},
      {"F32", DType::f32, test::bytes_of(3.0F), test::bytes_of(4.0F)},
      {"F64", DType::f64, test::bytes_of(3.0), test::bytes_of(4.0)},
      {"I8", DType::i8, "\x03", "\x04"},
      {"I16", DType::i16, test::bytes_of<std::int16_t>(3), test::bytes_of<std::int16_t>(4)},
      {"I32", DType::i32, test::bytes_of<std::int32_t>(3), test::bytes_of<std::int32_t>(4)},
      {"I64", DType::i64, test::bytes_of<std::int64_t>(3), test::bytes_of<std::int64_t>(4)},
      {"U8", DType::u8, "\x03", "\x04"},
      {"U16", DType::u16, test::bytes_of<std::uint16_t>(3), test::bytes_of<std::uint16_t>(4)},
      {"U32", DType::u32, test::bytes_of<std::uint32_t>(3), test::bytes_of<std::uint32_t>(4)},
      {"U64", DType::u64, test::bytes_of<std::uint64_t>(3), test::bytes_of<std::uint64_t>(4)},
  };
  for (const Row& row : rows) {
    const std::string data = row.three + row.four;
    // The header's length decides where the data starts; the odd one leaves it unaligned.
    for (const std::string padding : {"", " ", "   "}) {
      const std::string header = std::string(R"({"feature":{"dtype":")") + row.name +
                                 R"(","shape":[2,1],"data_offsets":[0,)" + std::to_string(data.size()) + "]}}" +
                                 padding;
      const Array array = read_array(write("m_d.safetensors", test::safetensors(header, data)));
      EXPECT_EQ(array.dtype(), row.dtype) << row.name;
      EXPECT_EQ(array.to_doubles(), (std::vector<double>{3, 4})) << row.name;
      const Array native = array.to_native_row_major();
      EXPECT_TRUE(native.is_native_row_major()) << row.name;
      EXPECT_EQ(native.to_doubles(), (std::vector<double>{3, 4})) << row.name;
    }
  }
  const std::string header = R"({"label":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  const Array flags =
      read_array(write("b.safetensors", test::safetensors(header, std::string("\x01\x00", 2))), "label");
  EXPECT_EQ(flags.to_integers(), (std::vector<std::int64_t>{1, 0}));
}

TEST_F(Archives, ASecondTensorStartsWhereItsOffsetsSay) {
  const std::string header = R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                             R"("feature":{"dtype":"F32","shape":[1,2],"data_offsets":[3,11]}})";
  const auto file = write("m_d.safetensors", test::safetensors(header, "abc" + test::bytes_of_all<float>({1.5, 2.5})));
  EXPECT_EQ(read_array(file).to_doubles(), (std::vector<double>{1.5, 2.5}));
}

}  // namespace
}  // namespace itm
