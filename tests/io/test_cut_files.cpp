// Files that are cut short while they are read: a sentence, never a signal.

#include <atomic>
#include <csignal>
#include <thread>

#include "files.hpp"
#include "io/cut_files.hpp"
#include "itm/array.hpp"
#include "itm/estimator.hpp"
#include "made_zoo.hpp"

namespace itm {
namespace {

constexpr std::size_t rows = 4096;
constexpr std::size_t cols = 256;

class CutFiles : public test::FileTest {
 protected:
  CutFiles() { feature = write("cut_feature.npy", test::npy_features(rows, cols)); }
  std::filesystem::path feature;
};

TEST_F(CutFiles, ReadAsZerosAndAreToldOfAfterwards) {
  const Array array = read_array(feature);
  const double first = array.to_doubles().at(1);
  std::filesystem::resize_file(feature, 8192);
  const std::vector<double> values = array.to_doubles();
  EXPECT_EQ(values.at(1), first) << "the beginning is still there";
  EXPECT_EQ(values.back(), 0);
  EXPECT_REFUSED(io::refuse_any_cut(), "cut_feature.npy: was cut short while it was read");
  EXPECT_NO_THROW(io::refuse_any_cut()) << "once is enough";
}

TEST_F(CutFiles, SpoilThePassThatReadThemAndNoOther) {
  const std::filesystem::path other = write("whole_feature.npy", test::npy_features(16, 4));
  const Array array = read_array(feature);
  std::filesystem::resize_file(feature, 4096);
  EXPECT_NO_THROW(io::read_whole({other}, [&] { (void)array.to_doubles(); }));
  EXPECT_REFUSED(io::read_whole({other, feature}, [&] { (void)array.to_doubles(); }), "cut_feature.npy: was cut short");
  EXPECT_REFUSED(io::read_whole({feature}, [] { throw InputError("column 3 is constant"); }), "was cut short");
}

TEST_F(CutFiles, AreToldOfWhenTheMappingIsGone) {
  const std::string sentence = test::refusal([&] {
    io::read_whole({feature}, [&] {
      const Array array = read_array(feature);
      std::filesystem::resize_file(feature, 4096);
      (void)array.to_doubles();
    });
  });
  EXPECT_NE(sentence.find("was cut short"), std::string::npos) << sentence;
  write("cut_feature.npy", test::npy_features(rows, cols));
  EXPECT_NO_THROW(io::read_whole({feature}, [&] { (void)read_array(feature).to_doubles(); })) << "written again";
}

TEST_F(CutFiles, MayBeReadByManyThreadsAtOnce) {
  for (int round = 0; round < 20; ++round) {
    write("cut_feature.npy", test::npy_features(rows, cols));
    const std::filesystem::path kept = write("kept_feature.npy", test::npy_features(rows, cols));
    const Array array = read_array(feature);
    std::atomic<bool> stop{false};
    std::vector<std::jthread> readers;
    readers.reserve(4);
    for (int t = 0; t < 4; ++t) {
      readers.emplace_back([&] {
        while (!stop) {
          (void)array.to_doubles();
          const std::vector<double> values = read_array(kept).to_doubles();  // mappings come and go meanwhile
          if (values.back() != static_cast<double>(rows * cols - 1) * 0.25) std::abort();
        }
      });
    }
    std::filesystem::resize_file(feature, 4096);
    (void)array.to_doubles();
    stop = true;
    readers.clear();
    EXPECT_REFUSED(io::refuse_cut({feature}, 0), "cut_feature.npy: was cut short");
  }
}

TEST_F(CutFiles, AreNeverRanked) {
  testing::TemporaryFolder zoo;
  testing::write_small_zoo(zoo.path(), "pets");
  RankOptions options;
  options.method = {"knn"};
  const Zoo found = discover_zoo(zoo.path());
  const std::filesystem::path cut = found.entries("pets").front().feature.file;
  const std::size_t labels = read_labels(found.entries("pets").front().label).values.size();
  {
    // Wide enough for many blocks, each of which asks whether to go on.
    std::vector<float> values(labels * 20'000);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 2654435761U) % 1000);
    const std::size_t shape[] = {labels, 20'000};
    write_npy<float>(cut, values, shape);
  }
  int asked = 0;  // before the largest model, which comes first, then before each of its blocks
  options.cancelled = [&] {
    if (++asked == 6) std::filesystem::resize_file(cut, 65'536);
    return false;
  };
  const std::string sentence = test::refusal([&] { (void)rank_zoo(found, options); });
  EXPECT_NE(sentence.find("was cut short while it was read"), std::string::npos) << sentence << " after " << asked;
  EXPECT_TRUE(sentence.starts_with(cut.string())) << sentence;
}

TEST_F(CutFiles, FaultsElsewhereKillAsEver) {
  (void)read_array(feature);
  // A sanitizer that was there first gets the signal, reports and ends the program in its own way.
  EXPECT_DEATH(std::raise(SIGBUS), "");
}

}  // namespace
}  // namespace itm
