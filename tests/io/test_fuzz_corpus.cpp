// Every seed of the fuzz targets, read by every reader: a value or an InputError, nothing else.

#include <gtest/gtest.h>

#include <string>

#include "files.hpp"
#include "itm/array.hpp"
#include "itm/zoo.hpp"
#include "paths.hpp"

namespace itm {
namespace {

class FuzzCorpus : public test::FileTest {};

TEST_F(FuzzCorpus, EverySeedIsReadOrRefused) {
  std::size_t seeds = 0;
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::tests_folder() + "/fuzz/corpus")) {
    if (!entry.is_regular_file()) continue;
    ++seeds;
    const std::string bytes = test::read_file(entry.path());
    for (const char* name : {"seed.npy", "seed.npz", "seed.safetensors", "seed.csv"}) {
      const auto file = write(name, bytes);
      try {
        if (file.extension() == ".csv") {
          EXPECT_FALSE(read_ground_truth(file).models.empty());
        } else {
          const Array array = read_array(file);
          EXPECT_EQ(array.to_doubles().size(), array.size());
          EXPECT_TRUE(array.to_native_row_major().is_native_row_major());
        }
        ++read;
      } catch (const InputError& error) {
        EXPECT_TRUE(std::string(error.what()).starts_with(file.string())) << error.what();
      }
    }
  }
  EXPECT_GE(seeds, 20U);
  EXPECT_GE(read, 10U);  // some seeds are whole files
}

}  // namespace
}  // namespace itm
