#pragma once
// Ranking models whose features are in memory already, without a file and without a copy:
//
//   itm::Dataset pets("pets", labels);                                  // N labels
//   pets.add("resnet50", itm::view(features.data(), rows, 2048));       // float, double or itm::Half, row-major
//   const itm::RankReport ranking = itm::rank(pets, {.method = "logme"});

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "itm/array.hpp"
#include "itm/estimator.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// The bits of an IEEE float16: what NumPy, PyTorch and CUDA keep half-precision features in.
enum class Half : std::uint16_t {};

/// rows x cols numbers of the caller, who keeps them until the ranking is done; row i begins `row_stride` numbers after
/// row i - 1 (0: `cols`). Throws InputError where the rows would overlap.
///@{
[[nodiscard]] Array view(const float* data, std::size_t rows, std::size_t cols, std::size_t row_stride = 0);
[[nodiscard]] Array view(const double* data, std::size_t rows, std::size_t cols, std::size_t row_stride = 0);
[[nodiscard]] Array view(const Half* data, std::size_t rows, std::size_t cols, std::size_t row_stride = 0);
///@}

/// What some methods read of a model besides its features.
struct DatasetExtras {
  std::optional<Array> output{};  ///< [N, C_source] logits of the source head: LEEP, NCE
  std::optional<Array> source{};  ///< [S, D] features of source images: PED
};

/// One data set in memory: its labels, or targets, and the features that models give for it.
class Dataset {
 public:
  /// N labels in [0, C), copied; checked when they are ranked, like those of a file.
  ///@{
  Dataset(std::string name, std::span<const std::int32_t> labels);
  Dataset(std::string name, std::span<const std::int64_t> labels);
  ///@}
  /// [N, T] targets of the caller, for the methods that take them: numbers or, all of them 0 or 1, labels of a row.
  Dataset(std::string name, Array targets);

  /// Rows that methods train on (0) and rows that they are validated on (1), N of them, copied; of the models that are
  /// added from then on.
  void set_split(std::span<const std::uint8_t> held_out);

  /// Features [N, D]. Throws InputError where the name is empty or taken.
  void add(const std::string& model, const Array& features, const DatasetExtras& extras = {});

  /// Models that were added.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// The same as a zoo of one data set. Throws InputError where no model was added.
  [[nodiscard]] Zoo zoo() const;

 private:
  std::string name_;
  std::optional<Array> labels_;
  std::optional<Array> targets_;
  std::optional<Array> split_;
  std::vector<ZooEntry> entries_;
};

/// rank_zoo() on arrays. Sentences of errors name the model instead of a file.
[[nodiscard]] RankReport rank(const Dataset& dataset, const RankOptions& options = {});

}  // namespace itm
