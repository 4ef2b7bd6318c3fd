#pragma once
// A small zoo on disk for tests: models whose separability falls with their index, in a folder that is removed
// afterwards.

#include <filesystem>
#include <string>
#include <vector>

#include "itm/array.hpp"
#include "made_array.hpp"

namespace itm::testing {

/// A folder of its own under the system's temporary folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "itm-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("no temporary folder");
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_entry(const std::filesystem::path& folder, const std::string& model, const std::string& dataset,
                        const MadeData& data) {
  const std::size_t shape[] = {data.rows, data.dims};
  const std::string stem = model + "_" + dataset;
  write_npy<float>(folder / (stem + "_feature.npy"), data.values, shape);
  const std::vector<std::int64_t> labels(data.labels.values.begin(), data.labels.values.end());
  write_npy<std::int64_t>(folder / (stem + "_label.npy"), labels, std::span(shape, 1));
}

/// Models good, fair, poor on one data set of 150 rows and 5 classes; widths differ.
inline void write_small_zoo(const std::filesystem::path& folder, const std::string& dataset = "made") {
  write_entry(folder, "good", dataset, made_data(150, 24, 5, 1.0, 1));
  write_entry(folder, "fair", dataset, made_data(150, 16, 5, 0.25, 2));
  write_entry(folder, "poor", dataset, made_data(150, 20, 5, 0.1, 3));
}

}  // namespace itm::testing
