// The largest model of the paper's setting must not be copied on its way: 75,750 x 1,280 float32 is a file of 388 MB.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/made_features.hpp"
#include "itm/estimator.hpp"
#include "made_zoo.hpp"

namespace {

constexpr std::size_t rows = 75'750;
constexpr std::size_t dims = 1'280;

/// Peak resident bytes of a child process that ranks the zoo.
double peak_bytes_of_ranking(const std::filesystem::path& folder) {
  const pid_t child = fork();
  if (child == 0) {
    itm::RankOptions options;
    options.itm.iterations = 20;
    const itm::RankReport report = itm::rank_zoo(itm::discover_zoo(folder), options);
    _exit(report.results.at(0).models.size() == 1 ? 0 : 1);
  }
  int status = 0;
  rusage usage{};
  EXPECT_EQ(wait4(child, &status, 0, &usage), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child could not rank";
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

void write_labels(const std::filesystem::path& folder) {
  const itm::Labels labels = itm::made_labels(rows, 101);
  const std::vector<std::int64_t> wide(labels.values.begin(), labels.values.end());
  const std::size_t shape[] = {rows};
  itm::write_npy<std::int64_t>(folder / "large_made_label.npy", wide, shape);
}

TEST(PeakMemory, RankingALargeModelStaysBelowOnePointFourTimesItsFile) {
#ifdef ITM_SANITIZED
  GTEST_SKIP() << "sanitizers keep shadow memory of their own";
#endif
  const itm::testing::TemporaryFolder folder;
  const std::filesystem::path file = folder / "large_made_feature.npy";
  {
    const std::size_t shape[] = {rows, dims};
    itm::write_npy<float>(file, itm::make_features({rows, dims, 101, 0.15, 0, "large"}), shape);
    write_labels(folder.path());
  }
  const auto size = static_cast<double>(std::filesystem::file_size(file));
  EXPECT_LT(peak_bytes_of_ranking(folder.path()) / size, 1.4);
}

}  // namespace
