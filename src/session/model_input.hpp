#pragma once
// What one model offers to a method that scores models one at a time: its arrays, opened and checked, in blocks on a
// device.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "itm/estimator.hpp"
#include "session/kept_rows.hpp"

namespace itm {

/// What one model offers to a method. Rows are 0..N-1, already without those that were dropped.
class ModelInput {
 public:
  /// Opens and checks the files of `entry`, which is one of `task`. Everything passed must outlive the object. Throws
  /// InputError.
  ModelInput(Device& device, const Estimator& estimator, const RankOptions& options, const DatasetTask& task,
             const ZooEntry& entry, std::uint64_t seed, const std::optional<LeaveOut>& left_out = {});

  [[nodiscard]] std::size_t rows() const;  // N
  /// Rows with NaN or infinity that were left out.
  [[nodiscard]] std::size_t dropped_rows() const { return dropped_; }
  [[nodiscard]] std::size_t dims() const { return feature_.array.cols(); }  // D
  [[nodiscard]] std::size_t classes() const { return labels().classes; }    // C
  [[nodiscard]] const Labels& labels() const { return kept_.labels_or(task_.labels); }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] bool exact() const { return options_.variant == Variant::exact; }
  [[nodiscard]] Device& device() const { return device_; }
  /// Unit roundoff of the device's products.
  [[nodiscard]] double product_rounding() const {
    return options_.arithmetic == Precision::float64 ? 0x1p-53 : 0x1p-24;
  }
  /// The feature file, for sentences.
  [[nodiscard]] std::string file() const { return path_text(feature_.array.source()); }

  /// From now on every row of class c is displaced by row c of `displacement` [C, D].
  void displace(Matrix displacement);

  /// An option of this method.
  [[nodiscard]] double number(const std::string& name) const { return std::get<double>(setting(name)); }
  [[nodiscard]] std::size_t count(const std::string& name) const { return static_cast<std::size_t>(number(name)); }
  [[nodiscard]] std::string word(const std::string& name) const { return std::get<std::string>(setting(name)); }

  /// Calls block(x, first) with consecutive rows of the features, [b, D] on the device, which chooses b. The block may
  /// overwrite x. Throws Interrupted between blocks when the person wants to stop.
  using Block = std::function<void(View x, std::size_t first)>;
  void for_each_block(const Block& block) const { for_each_block({}, block); }
  /// The same over some rows, in the given order; all rows when none are given.
  void for_each_block(std::span<const std::uint32_t> rows, const Block& block) const {
    for_each_centred_block(rows, {}, block);
  }
  /// The same with every row about a centre: that of its class [C, D], or one for all [1, D].
  void for_each_centred_block(ConstView centres, const Block& block) const {
    for_each_centred_block({}, centres, block);
  }
  void for_each_centred_block(std::span<const std::uint32_t> rows, ConstView centres, const Block& block) const;
  /// The same over the source head's logits [b, C_source], and over the features of source images [b, D].
  void for_each_output_block(const Block& block) const { walk(*output_.device, map_, block); }
  void for_each_source_block(const Block& block) const { walk(*source_.device, {}, block); }
  /// The same over a further file that has one row per row of the feature file, checked like the others.
  void for_each_block_of(const Array& array, const Block& block) const;
  /// Sum of the rows of every class, [C, D].
  [[nodiscard]] Matrix class_sums() const;
  /// Mean of some rows, [1, D]; of all when none are given.
  [[nodiscard]] Matrix column_means(std::span<const std::uint32_t> rows = {}) const;
  [[nodiscard]] std::size_t source_classes() const { return output_.array.cols(); }
  [[nodiscard]] std::size_t source_rows() const { return source_.array.rows(); }

  /// Some rows of the features as a matrix on the device, in the given order; all rows when none are given.
  [[nodiscard]] Matrix features(std::span<const std::uint32_t> rows = {}) const;
  /// True when all rows are equal: features that say nothing.
  [[nodiscard]] bool has_constant_rows() const;
  /// The labels [N] on the device, and the rows of every class.
  [[nodiscard]] const Classes& class_rows() const { return class_rows_; }
  /// Rows per class [C].
  [[nodiscard]] std::vector<double> class_sizes() const;
  /// What is to be predicted; targets() where it is not the classes.
  [[nodiscard]] TargetKind kind() const { return task_.kind(); }
  /// T of a row.
  [[nodiscard]] std::size_t target_count() const { return task_.targets->count; }
  /// Targets [N, T] of some rows, row-major; all rows when none are given.
  [[nodiscard]] std::vector<double> target_values(std::span<const std::uint32_t> rows = {}) const;
  [[nodiscard]] Matrix targets() const { return device_.matrix_of(target_values(), rows(), target_count()); }
  /// The person says which rows are held out.
  [[nodiscard]] bool has_split() const { return !task_.held_out.empty(); }
  [[nodiscard]] bool is_held_out(std::size_t row) const { return task_.held_out[file_row(row)] != 0; }
  /// Rows that the person's split holds out; all rows without one.
  [[nodiscard]] std::size_t validated_rows() const;

  /// Throws Interrupted when the person wants to stop; for long loops.
  void check_cancelled() const;

 private:
  /// An array of the model, and how the device has it.
  struct Opened {
    Array array;
    FeaturesOnDevice device;
  };

  [[nodiscard]] SettingValue setting(const std::string& name) const;
  [[nodiscard]] std::size_t file_row(std::size_t row) const { return kept_.file_row(row); }
  /// Puts the arrays on the device.
  void open_on_device(const ZooEntry& entry);
  /// Calls load(first, x) to fill a block, then block(x, first).
  void walk(std::size_t rows, std::size_t cols, const std::function<void(std::size_t first, View x)>& load,
            const Block& block) const;
  void walk(const Features& features, ConstIndexView map, const Block& block) const;
  /// Rows of the file for some rows; all when none are given. `made` owns them.
  [[nodiscard]] ConstIndexView file_rows(std::span<const std::uint32_t> rows, Index& made) const;

  Device& device_;
  const Estimator& estimator_;
  const RankOptions& options_;
  const DatasetTask& task_;
  std::uint64_t seed_;
  Opened feature_;
  KeptRows kept_;
  std::size_t dropped_ = 0;
  Matrix displacement_;
  Opened output_;
  Opened source_;
  Index map_;  ///< rows of the file, where some were dropped
  Classes class_rows_;
};

}  // namespace itm
