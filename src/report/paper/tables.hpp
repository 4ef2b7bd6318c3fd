#pragma once
// The paper's Tables 1, 3 and 4, digit for digit as printed, and the data sets and models that they are about
// (docs/paper.md).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace itm::paper {

/// One line of a table. Cells keep the printed digits: "0.10" is not "0.1".
struct Row {
  std::string measure;             ///< "tau_w", "seconds", "spearman", "kendall" or "accuracy"
  std::string name;                ///< a method, in Table 3 a model, as the paper spells it
  std::vector<std::string> cells;  ///< one per data set
  std::string average;             ///< as printed; empty in Table 3, which has none

  [[nodiscard]] std::vector<double> values() const;
};

struct Table {
  std::string name;     ///< "table1"
  std::string caption;  ///< one line
  std::string subject;  ///< what a row is: "method" or "model"
  std::vector<std::string> datasets;
  std::vector<Row> rows;

  [[nodiscard]] bool has_averages() const { return !rows.front().average.empty(); }
  /// The rows' measures, each once.
  [[nodiscard]] std::vector<std::string> measures() const;
  /// The row of a method under its name here ("nleep") or there ("N Leap"); null where there is none.
  [[nodiscard]] const Row* find(std::string_view measure, std::string_view name) const;
};

/// Table 1, 3 and 4.
[[nodiscard]] const std::vector<Table>& tables();
/// By "table1", "table3" or "table4". Throws std::out_of_range.
[[nodiscard]] const Table& table(std::string_view name);

/// A data set of the paper.
struct Dataset {
  std::string name;  ///< as in the tables' heads
  std::string full_name;
  std::vector<std::string> aliases;  ///< further spellings
  std::size_t rows = 0;              ///< training images
  std::size_t classes = 0;
};
/// In the order of the tables' columns.
[[nodiscard]] const std::vector<Dataset>& datasets();
/// Whatever case and punctuation: "cifar-100" is CIFAR100. Null where the paper has no such data set.
[[nodiscard]] const Dataset* find_dataset(std::string_view name);

/// A model of the paper.
struct Model {
  std::string name;
  std::size_t dims = 0;  ///< feature width of the published network
};
[[nodiscard]] const std::vector<Model>& models();

/// A printed cell as a number.
[[nodiscard]] double value_of(const std::string& cell);

/// Letters and digits, in lower case: what names are compared by.
[[nodiscard]] std::string simplified(std::string_view name);
/// The same for methods; the paper's "N Leap" is N-LEEP.
[[nodiscard]] std::string simplified_method(std::string_view name);

/// What stands for a measure in a heading: "weighted Kendall's tau_w".
[[nodiscard]] std::string_view title_of(std::string_view measure);

}  // namespace itm::paper
