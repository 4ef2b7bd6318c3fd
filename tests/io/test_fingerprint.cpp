// Fingerprints tell data apart by their names and contents, wherever they lie.

#include "io/fingerprint.hpp"

#include <gtest/gtest.h>

#include "files.hpp"
#include "io/hash.hpp"

namespace itm {
namespace {

using io::Extent;
using io::fingerprint_of;

class Fingerprint : public test::FileTest {};

TEST_F(Fingerprint, IsOfNamesAndContents) {
  const auto a = write("a.npy", "rows");
  const auto b = write("b.npy", "columns");
  const std::string whole = fingerprint_of({a, b}, Extent::whole, 2);
  EXPECT_EQ(whole.size(), 32U);
  EXPECT_EQ(fingerprint_of({b, a, a}, Extent::whole, 1), whole) << "neither order nor repetition counts";
  EXPECT_EQ(fingerprint_of({a, b}, Extent::sample, 1), whole) << "small files are read whole";
  EXPECT_NE(fingerprint_of({a}, Extent::whole, 1), whole);
  EXPECT_NE(fingerprint_of({write("c.npy", "rows"), b}, Extent::whole, 1), whole);
  EXPECT_NE(fingerprint_of({write("a.npy", "Rows"), b}, Extent::whole, 1), whole);
}

TEST_F(Fingerprint, OfALargeFileSeesItsSizeItsEndsAndBlocksBetween) {
  const std::string text((std::size_t{17} << 20) + 5, 'x');
  const std::string before = io::hash_of_sample(write("large", text));
  const auto changed = [&](std::size_t at) {
    std::string other = text;
    other[at] = 'y';
    return io::hash_of_sample(write("large", other)) != before;
  };
  EXPECT_TRUE(changed(0));
  EXPECT_TRUE(changed(text.size() - 1));
  EXPECT_TRUE(changed((text.size() - 65536) / 63 * 31));
  EXPECT_FALSE(changed(70'000)) << "between two blocks: a sample is no proof";
  EXPECT_NE(io::hash_of_sample(write("large", text + 'x')), before);
  EXPECT_EQ(io::hash_of_sample(write("large", text)), before);
}

}  // namespace
}  // namespace itm
