// The rules that labels must keep, and the sentence for each that they break.

#include <gtest/gtest.h>

#include <algorithm>
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

TEST_F(LabelFile, CountsTheRowsOfEachClass) {
  EXPECT_EQ(read(good).class_sizes(), (std::vector<std::size_t>{4, 3, 3}));
  EXPECT_EQ((Labels{{0, 2, 2}, 3}).class_sizes(), (std::vector<std::size_t>{1, 0, 2})) << "one without rows counts";
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

using Names = std::vector<std::string>;

TEST_F(LabelFile, AnyIntegersAreClassesInAscendingOrder) {
  const Labels labels = read({7, -1, 7, 3, 3, -1, 7, 3, 7, 3});
  EXPECT_EQ(labels.classes, 3U);
  EXPECT_EQ(labels.values, (std::vector<std::int32_t>{2, 0, 2, 1, 1, 0, 2, 1, 2, 1}));
  EXPECT_EQ(labels.names, (Names{"-1", "3", "7"}));
  EXPECT_EQ(labels.name_of(2), "'7'");
  EXPECT_TRUE(read(good).names.empty()) << "0 to C-1 need no names";
  EXPECT_EQ(read(good).name_of(2), "2");
}

TEST_F(LabelFile, TextIsNumberedByTheAlphabet) {
  // "é" is one code point of '<U4' and two bytes of UTF-8.
  const std::u32string words[] = {U"cat", U"dog", U"été"};
  std::string data;
  for (int i = 0; i < 10; ++i) {
    std::u32string word = words[i % 3];
    word.resize(4);
    data.append(reinterpret_cast<const char*>(word.data()), 16);
  }
  const Labels labels = read_bytes(test::npy(test::npy_dict("<U4", "(10,)"), data));
  EXPECT_EQ(labels.values, std::vector<std::int32_t>(good.begin(), good.end()));
  EXPECT_EQ(labels.names, (Names{"cat", "dog", "été"}));
  std::string big = data;
  for (std::size_t i = 0; i < big.size(); i += 4)
    std::reverse(big.begin() + static_cast<long>(i), big.begin() + static_cast<long>(i) + 4);
  EXPECT_EQ(read_bytes(test::npy(test::npy_dict(">U4", "(10, 1)"), big)).names, labels.names);

  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += i % 2 == 0 ? std::string("b\0\0", 3) : "abc";
  EXPECT_EQ(read_bytes(test::npy(test::npy_dict("|S3", "(10,)"), bytes)).names, (Names{"abc", "b"}));
}

TEST_F(LabelFile, TextInAnArchiveServesToo) {
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += i % 2 == 0 ? "b" : "a";
  const std::string archive =
      test::zip({{"label.npy", test::npy(test::npy_dict("|S1", "(10,)"), bytes)}}, test::Packing::deflated);
  EXPECT_EQ(read_labels({write("vgg_pets.npz", archive), "label"}).names, (Names{"a", "b"}));
}

TEST_F(LabelFile, TextIsNoFeatures) {
  EXPECT_REFUSED(read_array(write("t.npy", test::npy(test::npy_dict("|S1", "(2,)"), "ab"))),
                 "holds text (dtype '|S1'); save it as float32 features");
}

TEST_F(LabelFile, APlainListHasALabelALine) {
  const auto list = [&](const std::string& text) { return read_labels({write("pets_label.txt", text), "label"}); };
  EXPECT_EQ(list("b\na\nb\na\nb\na\nb\na\nb\r\na\r\n\n").names, (Names{"a", "b"}));
  const Labels numbers = list("10\n2\n10\n2\n10\n2\n10\n2\n10\n2");
  EXPECT_EQ(numbers.names, (Names{"2", "10"})) << "numbers, not text";
  EXPECT_REFUSED(list("a\n\nb\na\na\nb\na\nb\na\nb\na\n"), "pets_label.txt: the label in row 1 is empty");
}

TEST_F(LabelFile, AListOfClassesNamesNumbersAndOrdersText) {
  const std::filesystem::path classes = write("classes.txt", "zebra\nant\nbee\n");
  const LabelRules rules{2, classes};
  const std::filesystem::path numbers = write("n_label.npy", test::npy_labels({0, 2, 0, 2, 0, 2, 0, 2, 0, 2}));
  const Labels named = read_labels({numbers, "label"}, rules);
  EXPECT_EQ(named.names, (Names{"zebra", "bee"}));
  EXPECT_EQ(named.values[1], 1);
  const Labels text =
      read_labels({write("t_label.txt", "bee\nzebra\nbee\nzebra\nbee\nzebra\nbee\nzebra\nant\nant\n"), "label"}, rules);
  EXPECT_EQ(text.names, (Names{"zebra", "ant", "bee"}));
  EXPECT_EQ(text.values, (std::vector<std::int32_t>{2, 0, 2, 0, 2, 0, 2, 0, 1, 1}));
  EXPECT_REFUSED(read_labels({write("x_label.npy", test::npy_labels({0, 3, 0, 3, 0, 3, 0, 3, 0, 3})), "label"}, rules),
                 "the label in row 1 is 3, but " + classes.string() + " names the classes 0 to 2");
  EXPECT_REFUSED(
      read_labels({write("y_label.txt", "bee\nbug\nbee\nbug\nbee\nbug\nbee\nbug\nbee\nbug\n"), "label"}, rules),
      "the label in row 1 is 'bug', which " + classes.string() + " does not name");
  write("classes.txt", "a\nb\na\n");
  EXPECT_REFUSED(read_labels({numbers, "label"}, rules), "classes.txt: line 3: class 'a' is in line 1 already");
}

TEST_F(LabelFile, BrokenRulesAreNamed) {
  EXPECT_REFUSED(read({0, 1, 0, 1, 0, 1, 0, 1, 0}), "has 9 labels; at least 10 rows are needed");
  EXPECT_REFUSED(read(std::vector<std::int64_t>(3'680, 0)), "all 3,680 labels are class 0");
  EXPECT_REFUSED(read(std::vector<std::int64_t>(3'680, 9)), "all 3,680 labels are class '9'");
  EXPECT_REFUSED(read({0, 1, 0, 1, 0, 1, 0, 1, 0, 2}),
                 "class 2 has a single row; give it at least 2, or pass --drop-rare-classes 2");
  EXPECT_REFUSED(read({0, 1, 0, 1, 0, 1, 0, 1, 0, std::int64_t{1} << 62U}),
                 "class '4611686018427387904' has a single row");
  EXPECT_REFUSED(read({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), "class 0 has a single row");
  EXPECT_REFUSED(read_bytes(test::npy(test::npy_dict("<f8", "(10,)"),
                                      test::bytes_of_all<double>({0, 1, 0, 1.5, 0, 1, 0, 1, 0, 1}))),
                 "the value in row 3 is 1.5, which is not an integer");
  EXPECT_REFUSED(read_bytes(test::npy(test::npy_dict("|u1", "(10, 3)"), std::string(30, '\0'))),
                 "has shape [10, 3], but labels are one per row; save one-hot labels as labels.argmax(axis=1)");
  EXPECT_REFUSED(read_bytes(test::npy(test::npy_dict("<U1", "(10,)"), std::string(40, '\xff'))),
                 "the text in row 0 holds 0xffffffff, which is no character");
}

}  // namespace
}  // namespace itm
