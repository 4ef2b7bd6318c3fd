// Parts of a sweep on machines that know nothing of one another, and their journals joined.

#include <gtest/gtest.h>

#include "made_sweep.hpp"

namespace itm::testing {
namespace {

class Shards : public ::testing::Test {
 protected:
  Finished run(const std::string& shard) {
    std::vector<std::string> command = sweep_.command("journal");
    command.insert(command.end(), {"--shard", shard});
    return run_itm(command);
  }
  Finished merge() {
    std::vector<std::string> command = sweep_.command("journal");
    command.insert(command.begin() + 1, "merge");
    return run_itm(command);
  }
  const MadeSweep sweep_;
};

TEST_F(Shards, MergedEqualOneRun) {
  ASSERT_EQ(run_itm(sweep_.command("whole")).status, 0);
  for (const char* shard : {"3/3", "1/3", "2/3"}) {
    ASSERT_EQ(run(shard).status, 0);
  }
  EXPECT_EQ(lines_of(sweep_.file("journal.2-of-3")).size(), 1 + MadeSweep::units / 3);
  const Finished merged = merge();
  ASSERT_EQ(merged.status, 0) << merged.err;
  EXPECT_PRED2(says, merged.out, "tau_w");
  EXPECT_EQ(contents_of(sweep_.file("journal")), contents_of(sweep_.file("whole")));
  const std::string text = text_of(sweep_.file("journal"));
  ASSERT_EQ(merge().status, 0) << "twice does no harm";
  EXPECT_EQ(text_of(sweep_.file("journal")), text);
  EXPECT_PRED2(says, run_itm(sweep_.command("journal")).out, "24 from the journal");
}

TEST_F(Shards, MergeSaysWhatIsMissing) {
  EXPECT_PRED2(says, merge().err, "no journal of a shard is there");
  ASSERT_EQ(run("1/3").status, 0);
  EXPECT_PRED2(says, merge().err, "16 of 24 units are missing, in shards 2/3 (8), 3/3 (8); run them again");
  ASSERT_EQ(run("3/3").status, 0);
  const Finished merged = merge();
  EXPECT_EQ(merged.status, 2);
  EXPECT_PRED2(says, merged.err, "8 of 24 units are missing, in shard 2/3 (8); run it again");
  EXPECT_FALSE(std::filesystem::exists(sweep_.file("journal")));
}

TEST_F(Shards, MergeRefusesForeignJournals) {
  ASSERT_EQ(run("1/2").status, 0);
  std::filesystem::copy_file(sweep_.file("journal.1-of-2"), sweep_.file("journal.2-of-2"));
  EXPECT_PRED2(says, merge().err, "journal.2-of-2: is of shard 1/2, this run is of 2/2");
  std::filesystem::rename(sweep_.file("journal.2-of-2"), sweep_.file("journal.2-of-3"));
  EXPECT_PRED2(says, merge().err, "there are shards of 2 and of 3");
}

TEST_F(Shards, RefuseWhatIsNone) {
  for (const char* wrong : {"0/2", "3/2", "1", "1/", "/2", "a/2", "1/2/3", "-1/2"}) {
    EXPECT_PRED2(says, run(wrong).err, "--shard: '" + std::string(wrong) + "' is not i/n with i from 1 to n");
  }
}

}  // namespace
}  // namespace itm::testing
