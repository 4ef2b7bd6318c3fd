// Limits that a system sets: the program says so in one sentence and ends, it never hangs.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "made_zoo.hpp"
#include "paths.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

#ifndef ITM_SANITIZED  // a sanitizer's own memory knows no limit

/// `itm`, with that many KiB of address space; killed (137) where it is not done after 60 seconds.
Finished run_within(std::size_t kib, const std::string& arguments, const std::string& before = "") {
  return RunningItm({"-c", "ulimit -v " + std::to_string(kib) + " && " + before + " exec timeout -s KILL 60 " +
                               testing::binary() + " " + arguments},
                    "/bin/sh")
      .wait();
}

TEST(AddressSpace, TooSmallIsRefusedAtOnce) {
  for (const std::size_t mib : {70, 90, 110, 130, 160, 190, 220, 250, 300, 330, 400}) {
    for (const std::string& arguments : std::vector<std::string>{
             "--version", "rank " + testing::examples() + "/glyphs --dataset greek --threads 2 --iterations 20"}) {
      const Finished finished = run_within(mib * 1024, arguments, "OPENBLAS_NUM_THREADS=2");
      EXPECT_TRUE(finished.status == 0 || finished.status == 3)
          << mib << " MiB, " << arguments << ": " << finished.status << " " << finished.err;
      if (finished.status == 3) {
        EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
        EXPECT_TRUE(finished.err.starts_with("itm: ")) << finished.err;
      }
    }
  }
}

TEST(AddressSpace, IsNamedWithWhatIsNeeded) {
  const Finished finished = run_within(100 * 1024, "--version", "OPENBLAS_NUM_THREADS=2");
  EXPECT_EQ(finished.status, 3);
  EXPECT_EQ(finished.err,
            "itm: the address space is limited to 100 MiB (ulimit -v), but OpenBLAS needs 240 MiB to start 2 threads; "
            "raise the limit, or set OPENBLAS_NUM_THREADS=1\n");
}

TEST(AddressSpace, ThatSufficesIsEnough) {
  const Finished finished =
      run_within(std::size_t{2} << 20U, "rank " + testing::examples() + "/glyphs --dataset greek --threads 2",
                 "OPENBLAS_NUM_THREADS=2");
  EXPECT_EQ(finished.status, 0) << finished.err;
}

TEST(AddressSpace, LabelsOfOtherRowsAreRefusedBeforeTheyAreWidened) {
  const TemporaryFolder folder;
  write_small_zoo(folder.path());
  std::filesystem::path label;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    if (file.path().filename().string().ends_with("_label.npy")) label = file.path();
  }
  // A hole: four kilobytes on the disk, 2^31 labels of a byte, 16 GiB once they are integers.
  constexpr std::size_t many = std::size_t{1} << 31U;
  std::string dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(many) + ",), }";
  dict.resize(117, ' ');
  dict += '\n';
  std::ofstream(label, std::ios::binary) << std::string("\x93NUMPY\x01\x00\x76\x00", 10) << dict;
  std::filesystem::resize_file(label, 128 + many);
  const Finished finished =
      run_within(std::size_t{6} << 20U, "rank " + folder.path().string(), "OPENBLAS_NUM_THREADS=2");
  EXPECT_EQ(finished.status, 2) << finished.err;
  EXPECT_NE(finished.err.find("but there are 2,147,483,648 labels in " + label.string()), std::string::npos)
      << finished.err;
}

#endif

}  // namespace
}  // namespace itm::testing
