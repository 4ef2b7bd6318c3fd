// Numbers and foreign text inside messages.

#include <gtest/gtest.h>

#include "core/text.hpp"

namespace itm {
namespace {

TEST(Text, NumbersHaveThousandsSeparators) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(3'680), "3,680");
  EXPECT_EQ(with_commas(75'750), "75,750");
  EXPECT_EQ(with_commas(1'000'000), "1,000,000");
  EXPECT_EQ(with_commas(~std::uint64_t{0}), "18,446,744,073,709,551,615");
}

TEST(Text, ControlCharactersAndBrokenUtf8AreSpelledOut) {
  EXPECT_EQ(printable("two\nlines\t\x7F"), "two\\x0alines\\x09\\x7f");
  EXPECT_EQ(printable("mod\xC3\xA8le \xE2\x82\xAC \xF0\x9F\x98\x80"), "mod\xC3\xA8le \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(printable("\xC3"), "\\xc3");                             // cut short
  EXPECT_EQ(printable("\xC0\xAF"), "\\xc0\\xaf");                    // an overlong slash
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // half a surrogate pair
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
}

TEST(Text, WhatPlaysWithATerminalIsSpelledOut) {
  EXPECT_EQ(printable("\xC2\x9B"
                      "2J"),
            "\\xc2\\x9b2J");  // CSI of C1
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a\\xe2\\x80\\xaeb");                                                        // right-to-left override
  EXPECT_EQ(printable("\xE2\x81\xA9"), "\\xe2\\x81\\xa9");                               // pop directional isolate
  EXPECT_EQ(printable("\xE2\x80\xA9"), "\\xe2\\x80\\xa9");                               // paragraph separator
  EXPECT_EQ(printable("\xD8\x9C"), "\\xd8\\x9c");                                        // Arabic letter mark
  EXPECT_EQ(printable("\xC2\xA0\xE2\x80\x93\xD8\x9B"), "\xC2\xA0\xE2\x80\x93\xD8\x9B");  // a blank, a dash, a semicolon
  EXPECT_EQ(printable_lines("a\x1b[1mb\n\x1b[2Jc\r", true), "a\x1b[1mb\n\\x1b[2Jc\\x0d");
  EXPECT_EQ(printable_lines("\x1b[1mb\n", false), "\\x1b[1mb\n");
}

TEST(Text, LongTextIsCut) {
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(in_quotes("vgg"), "'vgg'");
}

}  // namespace
}  // namespace itm
