#pragma once
// Made zoos for `itm bench`: features at the shape of a data set, on disk as a user's would be.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/temporary.hpp"
#include "itm/estimator.hpp"
#include "report/paper/tables.hpp"

namespace itm::cli {

/// What a made zoo is to hold.
struct BenchShape {
  std::size_t rows = 0;
  std::size_t classes = 0;
  Inputs inputs;  ///< beside features and labels: logits of 1,000 source classes, 5,000 rows of source features
};

/// A folder for one made zoo at a time, in the system's temporary folder; removed with the object.
class BenchFolder {
 public:
  BenchFolder();
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;

  /// The models cut into groups whose files take at most half of the free disk and half of the memory, so that every
  /// group is ranked out of the page cache; at least one model a group.
  [[nodiscard]] std::vector<std::span<const paper::Model>> groups(std::span<const paper::Model> models,
                                                                  const BenchShape& shape) const;

  /// Replaces what the folder holds by these models, their data set named `made`. Within a class the variance of column
  /// j decays like 1 / j: real features have a few strong directions, and some methods' time depends on that.
  [[nodiscard]] Zoo stock(std::span<const paper::Model> models, const BenchShape& shape, std::uint64_t seed) const;

 private:
  std::filesystem::path folder_;
  std::optional<io::Temporary> removal_;
  int lock_ = -1;  ///< tells other runs that the folder is in use
};

}  // namespace itm::cli
