#pragma once
// Own results beside a table of the paper.

#include <optional>
#include <string>
#include <vector>

#include "report/paper/tables.hpp"
#include "report/scores_file.hpp"

namespace itm::paper {

/// One line: the paper's figures of a method, or one's own.
struct BesideRow {
  std::string measure;
  std::string method;
  bool own = false;
  std::vector<std::optional<double>> values;  ///< one per data set of the table
  std::optional<double> average;              ///< the paper's as printed; one's own over all data sets, when complete
  std::optional<double> shared_average;       ///< over the data sets that both have for this method
};

struct Beside {
  std::vector<BesideRow> rows;      ///< a method's own line follows the paper's; methods the paper lacks come last
  std::vector<std::string> unused;  ///< data sets of the results that the paper does not have
};

/// `results` are what `itm rank --format json` wrote; names are compared by simplified(). `seconds` are those of all
/// models of a data set. Throws InputError when the results have no data set of the paper or no figure that the table
/// shows, or one data set twice.
[[nodiscard]] Beside set_beside(const Table& table, const ScoresFile& results);

}  // namespace itm::paper
