// The rules that labels must keep, and the sentence for each that they break.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"
#include "itm/zoo.hpp"

namespace itm {
namespace {

class LabelFile : public test::FileTest {
 protected:
  Labels read_bytes(const std::string& bytes) const {
    return read_labels({write("vgg_pets_label.npy", bytes), "label"});
  }
  Labels read(const std::vector<std::int64_t>& labels) const { return read_bytes(test::npy_labels(labels)); }
};

const std::vector<std::int64_t> good{0, 1, 2, 0, 1, 2, 0, 1, 2, 0};

TEST_F(LabelFile, GivesValuesAndTheNumberOfClasses) {
  const Labels labels = read(good);
  EXPECT_EQ(labels.classes, 3U);
  EXPECT_EQ(labels.values, std::vector<std::int32_t>(good.begin(), good.end()));
}

TEST_F(LabelFile, EveryIntegerTypeAndIntegralFloatsServe) {
  const auto with = [&]<typename T>(const std::string& descr, T, const std::string& shape = "(10,)") {
    const std::vector<T> values(good.begin(), good.end());
    return read_bytes(test::npy(test::npy_dict(descr, shape), test::bytes_of_all(values))).values;
  };
  const std::vector<std::int32_t> expected(good.begin(), good.end());
  EXPECT_EQ(with("|i1", std::int8_t{}), expected);
  EXPECT_EQ(with("|u1", std::uint8_t{}), expected);
  EXPECT_EQ(with("<i2", std::int16_t{}), expected);
  EXPECT_EQ(with("<u2", std::uint16_t{}), expected);
  EXPECT_EQ(with("<i4", std::int32_t{}), expected);
  EXPECT_EQ(with("<u4", std::uint32_t{}), expected);
  EXPECT_EQ(with("<i8", std::int64_t{}), expected);
  EXPECT_EQ(with("<u8", std::uint64_t{}), expected);
  EXPECT_EQ(with("<f4", float{}), expected);
  EXPECT_EQ(with("<f8", double{}), expected);
  EXPECT_EQ(with("<i8", std::int64_t{}, "(10, 1)"), expected);
}

TEST_F(LabelFile, ArchivesAreNamedWithTheirKey) {
  const std::string bytes = test::zip({{"label.npy", test::npy_labels({0, 1})}}, test::Packing::stored);
  EXPECT_REFUSED(read_labels({write("vgg_pets.npz", bytes), "label"}), "vgg_pets.npz[label]: has 2 labels");
}

TEST_F(LabelFile, BrokenRulesAreNamed) {
  EXPECT_REFUSED(read({0, 1, 0, 1, 0, 1, 0, 1, 0}), "has 9 labels; at least 10 rows are needed");
  EXPECT_REFUSED(read({0, 1, 0, 1, -1, 1, 0, 1, 0, 1}), "the label in row 4 is -1; classes count from 0");
  EXPECT_REFUSED(read({0, 1, 3, 0, 1, 3, 0, 1, 3, 0}),
                 "class 2 has no rows although labels go up to 3; renumber with numpy.unique");
  EXPECT_REFUSED(read({1, 2, 1, 2, 1, 2, 1, 2, 1, 2}), "class 0 has no rows although labels go up to 2");
  EXPECT_REFUSED(read({0, 1, 0, 1, 0, 1, 0, 1, 0, std::int64_t{1} << 62U}),
                 "class 2 has no rows although labels go up to 4,611,686,018,427,387,904");
  EXPECT_REFUSED(read(std::vector<std::int64_t>(3'680, 0)), "all 3,680 labels are class 0");
  EXPECT_REFUSED(read({0, 1, 0, 1, 0, 1, 0, 1, 0, 2}), "class 2 has a single row");
  EXPECT_REFUSED(read({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), "class 0 has a single row");
  EXPECT_REFUSED(read_bytes(test::npy(test::npy_dict("<f8", "(10,)"),
                                      test::bytes_of_all<double>({0, 1, 0, 1.5, 0, 1, 0, 1, 0, 1}))),
                 "the value in row 3 is 1.5, which is not an integer");
  EXPECT_REFUSED(read_bytes(test::npy(test::npy_dict("|u1", "(10, 3)"), std::string(30, '\0'))),
                 "has shape [10, 3], but labels are one number per row; save one-hot labels as labels.argmax(axis=1)");
}

}  // namespace
}  // namespace itm
