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
  std::filesystem::path file;     ///< a path, or the name of what lies in memory
  std::string key{};              ///< in an archive
  std::optional<Array> memory{};  ///< instead of a file
  /// The array.
  [[nodiscard]] Array read() const { return memory ? *memory : read_array(file, key); }
  /// From the header alone: nothing is unpacked or widened.
  [[nodiscard]] std::size_t rows() const { return memory ? memory->rows() : count_rows(file, key); }
};

/// One (model, data set) pair.
struct ZooEntry {
  std::string model;                           ///< its name
  std::string dataset;                         ///< its name
  ArrayRef feature;                            ///< [N, D]
  ArrayRef label;                              ///< [N]; without a file there are none, and reading them says so
  std::optional<ArrayRef> output;              ///< [N, C_source] logits of the source head
  std::optional<ArrayRef> source;              ///< [S, D] features of source-domain images
  std::optional<ArrayRef> target;              ///< [N, T] numbers, or zeros and ones, to be predicted instead of labels
  std::optional<ArrayRef> split{};             ///< [N] which rows methods train on, and which they are validated on
  std::filesystem::path classes{};             ///< names of classes, one a line; empty: none
  std::map<std::string, std::string> facts{};  ///< further columns of the manifest: kind, parameters, milliseconds, ...
};

/// All entries of a directory, data sets and models in lexicographic order.
struct Zoo {
  std::filesystem::path directory;                        ///< that was read
  std::map<std::string, std::vector<ZooEntry>> datasets;  ///< entries by name of the data set
  std::vector<std::string> remarks{};  ///< how names were read, where they could be read in another way

  /// In lexicographic order.
  [[nodiscard]] std::vector<std::string> dataset_names() const;
  /// Throws InputError naming the data sets that exist.
  [[nodiscard]] const std::vector<ZooEntry>& entries(const std::string& dataset) const;
};

/// What to take of a folder, and how to read it.
struct ZooOptions {
  /// Names of data sets that are known, from --dataset or a truth file: they say where a model's name ends.
  std::vector<std::string> datasets{};
  std::vector<std::string> models{};   ///< patterns with * and ?: only models that one of them fits; empty: all
  std::vector<std::string> exclude{};  ///< patterns: none of these models
  /// A CSV that names the files, instead of their names. Empty: zoo.csv of the folder where there is one.
  std::filesystem::path manifest{};
  std::string feature_key = "feature";  ///< of features in archives
  bool targets = false;                 ///< where a data set has labels and targets, the targets are to be predicted
  std::filesystem::path split{};        ///< for all data sets, instead of the files of that name; empty: none
};

/// The zoo in a folder and its subfolders. Without a manifest it consists of `{model}_{dataset}_feature.npy`,
/// `{model}_{dataset}.npz` and `{model}_{dataset}.safetensors`, or of `{dataset}/{model}_feature.npy`; labels lie in
/// `{model}_{dataset}_label.npy`, or in `{dataset}_label.npy` for all models (.npy or .txt). docs/files.md says how
/// names are divided. Throws InputError when the folder is missing, holds no features, or its names can be read in two
/// ways.
[[nodiscard]] Zoo discover_zoo(const std::filesystem::path& directory, const ZooOptions& options = {});

/// Labels of one entry. A file may hold any integers, or text; its distinct values in ascending order are the classes 0
/// to C-1.
struct Labels {
  std::vector<std::int32_t> values;  ///< N labels in [0, C)
  std::size_t classes = 0;           ///< C
  std::vector<std::string> names{};  ///< C of them, where the file does not number its classes 0 to C-1 itself
  /// "3", or "'beagle'" where classes have names.
  [[nodiscard]] std::string name_of(std::size_t one) const;
  /// Rows of each class, C of them.
  [[nodiscard]] std::vector<std::size_t> class_sizes() const;
};

/// How labels are checked.
struct LabelRules {
  /// Rows that a class must have. 1: whoever reads the labels leaves rare classes out.
  std::size_t fewest_rows = 2;
  /// Names of classes, one a line: of the labels 0, 1, ..., or in the order of which text labels are numbered.
  std::filesystem::path classes{};
};

/// Reads an array (whole numbers, or text), or a .txt with a label a line. Throws InputError for less than 10 rows,
/// less than two classes, a class with too few rows, and a label that is not in the list of classes.
[[nodiscard]] Labels read_labels(const ArrayRef& ref, const LabelRules& rules = {});
/// The same for the rows of the entry's features: headers that disagree are refused before a single label takes memory.
[[nodiscard]] Labels read_entry_labels(const ZooEntry& entry, std::size_t fewest_rows = 2);

/// What a row is to be predicted.
enum class TargetKind : std::uint8_t {
  classes,  ///< one of C classes
  labels,   ///< several labels at once, each 0 or 1 (multi-label)
  numbers,  ///< regression
};

/// What the rows of a data set are to be predicted, where that is not one class each.
struct Targets {
  TargetKind kind = TargetKind::numbers;  ///< labels where every number is 0 or 1
  std::size_t count = 0;                  ///< T of a row
  std::vector<double> values;             ///< [N, T] of all rows of the file, row-major
  [[nodiscard]] std::size_t rows() const { return count == 0 ? 0 : values.size() / count; }
};

/// The targets of an entry that has them. Throws InputError for less than 10 rows, another number of rows than the
/// features have, and a NaN or an infinity, with row and column.
[[nodiscard]] Targets read_entry_targets(const ZooEntry& entry);

/// The split of an entry that has one: for every row of its features, 1 where it is held out for validation. A file
/// holds 0 or "train" and 1 or "val"; a .txt one a line. Throws InputError for another number of rows or another value,
/// and where a part is empty.
[[nodiscard]] std::vector<std::uint8_t> read_entry_split(const ZooEntry& entry);

/// Accuracies in percent (any finite number is accepted, so that other measures of quality can be correlated):
/// value[dataset][model]; a missing cell is a missing key.
struct GroundTruth {
  std::filesystem::path file;                                     ///< that it was read from
  std::vector<std::string> models;                                ///< in the order of the file
  std::vector<std::string> datasets;                              ///< in the order of the file
  std::map<std::string, std::map<std::string, double>> accuracy;  ///< by data set and model, in percent
};

/// Reads the ground-truth CSV (first column `model`, one column per data set). Throws InputError with the line number.
[[nodiscard]] GroundTruth read_ground_truth(const std::filesystem::path& file);

}  // namespace itm
