#pragma once
// A zoo on disk in the peers' layout (spec 5): which models have features for which data sets, and the ground truth.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "itm/array.hpp"

namespace itm {

/// Where one array of a zoo lies: a file, and the key inside it when it is an archive; or memory, and then `file` is
/// its name.
struct ArrayRef {
  std::filesystem::path file;
  std::string key{};
  std::optional<Array> memory{};
  [[nodiscard]] Array read() const { return memory ? *memory : read_array(file, key); }
  /// From the header alone: nothing is unpacked or widened.
  [[nodiscard]] std::size_t rows() const { return memory ? memory->rows() : count_rows(file, key); }
};

/// One (model, data set) pair.
struct ZooEntry {
  std::string model;
  std::string dataset;
  ArrayRef feature;                ///< [N, D]
  ArrayRef label;                  ///< [N]
  std::optional<ArrayRef> output;  ///< [N, C_source] logits of the source head
  std::optional<ArrayRef> source;  ///< [S, D] features of source-domain images
  std::optional<ArrayRef> target;  ///< [N, T] regression targets, read instead of labels; never found by discover_zoo
};

/// All entries of a directory, data sets and models in lexicographic order.
struct Zoo {
  std::filesystem::path directory;
  std::map<std::string, std::vector<ZooEntry>> datasets;

  [[nodiscard]] std::vector<std::string> dataset_names() const;
  /// Throws InputError naming the data sets that exist.
  [[nodiscard]] const std::vector<ZooEntry>& entries(const std::string& dataset) const;
};

/// Finds `{model}_{dataset}_feature.npy`, `{model}_{dataset}.npz` and `{model}_{dataset}.safetensors`. Model names may
/// hold underscores: data sets named in `known_datasets` (from --dataset or a truth file) are matched first, otherwise
/// the data set is what follows the last underscore. Throws InputError when the directory is missing or holds no
/// feature file.
[[nodiscard]] Zoo discover_zoo(const std::filesystem::path& directory,
                               const std::vector<std::string>& known_datasets = {});

/// Labels of one entry, checked: integral, 0..C-1 without gaps, at least two classes, at least two rows per class, N
/// >= 10.
struct Labels {
  std::vector<std::int32_t> values;  ///< N labels in [0, C)
  std::size_t classes = 0;           ///< C
};
[[nodiscard]] Labels read_labels(const ArrayRef& ref);
/// The same for the rows of `feature`: headers that disagree are refused before a single label takes memory.
[[nodiscard]] Labels read_labels(const ArrayRef& ref, const ArrayRef& feature);

/// Accuracies in percent (any finite number is accepted, so that other measures of quality can be correlated):
/// value[dataset][model]; a missing cell is a missing key.
struct GroundTruth {
  std::filesystem::path file;
  std::vector<std::string> models;
  std::vector<std::string> datasets;
  std::map<std::string, std::map<std::string, double>> accuracy;
};

/// Reads the ground-truth CSV (first column `model`, one column per data set). Throws InputError with the line number.
[[nodiscard]] GroundTruth read_ground_truth(const std::filesystem::path& file);

}  // namespace itm
