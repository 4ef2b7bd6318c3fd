#include "core/philox.hpp"

#include <gtest/gtest.h>

namespace {

using itm::philox::Block;

void expect_words(const Block& got, const Block& want) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(got.word[i], want.word[i]) << "word " << i;
  }
}

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(Philox, MatchesThePublishedKnownAnswers) {
  expect_words(itm::philox::rounds({{0, 0, 0, 0}}, 0), {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  expect_words(itm::philox::rounds({{~0U, ~0U, ~0U, ~0U}}, ~0ULL), {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  expect_words(
      itm::philox::rounds({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0ULL << 32 | 0xa4093822),
      {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST(Philox, DrawsAreTheWordsOfSuccessiveBlocks) {
  const std::uint64_t stream = itm::philox::stream_id("resnet/psi.weight");
  for (std::uint64_t i = 0; i < 12; ++i) {
    EXPECT_EQ(itm::philox::draw32(7, stream, i), itm::philox::block(7, stream, i / 4).word[i % 4]);
  }
  const Block second = itm::philox::block(7, stream, 1);
  EXPECT_EQ(itm::philox::draw64(7, stream, 2), std::uint64_t{second.word[0]} << 32 | second.word[1]);
  EXPECT_EQ(itm::philox::draw64(7, stream, 3), std::uint64_t{second.word[2]} << 32 | second.word[3]);
}

TEST(Philox, UniformDrawsFillTheUnitInterval) {
  const std::uint64_t stream = itm::philox::stream_id("u");
  constexpr int draws = 100'000;
  double sum = 0;
  double square = 0;
  for (int i = 0; i < draws; ++i) {
    const double u = itm::philox::uniform(3, stream, static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ASSERT_EQ(static_cast<double>(static_cast<float>(u)), u) << "float and double must hold the same number";
    sum += u;
    square += u * u;
  }
  EXPECT_NEAR(sum / draws, 0.5, 0.004);
  EXPECT_NEAR(square / draws, 1.0 / 3.0, 0.004);
}

TEST(Philox, StreamsAndSeedsDiffer) {
  const std::uint64_t a = itm::philox::stream_id("a/psi.weight");
  const std::uint64_t b = itm::philox::stream_id("b/psi.weight");
  EXPECT_NE(a, b);
  EXPECT_NE(itm::philox::draw64(0, a, 0), itm::philox::draw64(0, b, 0));
  EXPECT_NE(itm::philox::draw64(0, a, 0), itm::philox::draw64(1, a, 0));
}

}  // namespace
