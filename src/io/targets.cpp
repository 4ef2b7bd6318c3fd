// Targets of a data set: numbers to be predicted, or several labels of a row as zeros and ones.

#include <algorithm>
#include <cmath>

#include "io/cut_files.hpp"
#include "io/labels.hpp"
#include "io/where.hpp"
#include "itm/zoo.hpp"

namespace itm {

Targets read_entry_targets(const ZooEntry& entry) {
  const ArrayRef& ref = entry.target.value();
  const io::Where where = io::where_of(ref);
  const std::size_t rows = entry.feature.rows();
  if (ref.rows() != rows) {  // by the headers, before a number takes memory
    io::refuse(where, "has {} rows, but {} has {}; extract features and targets together", with_commas(ref.rows()),
               path_text(entry.feature.file), with_commas(rows));
  }
  if (rows < io::fewest_rows) {
    io::refuse(where, "has {} rows; at least {} are needed to rank, extract more samples", rows, io::fewest_rows);
  }
  Targets targets;
  io::read_whole({ref.file}, [&] {
    const Array array = ref.read();
    targets.count = array.cols();
    targets.values = array.to_doubles();
  });
  if (targets.count == 0) {
    io::refuse(where, "has no columns; write at least one number a row");
  }
  const auto bad =
      std::find_if(targets.values.begin(), targets.values.end(), [](double v) { return !std::isfinite(v); });
  if (bad != targets.values.end()) {
    const auto at = static_cast<std::size_t>(bad - targets.values.begin());
    io::refuse(where, "row {}, column {} is {}; every row needs its targets", with_commas(at / targets.count),
               with_commas(at % targets.count), std::isnan(*bad) ? "NaN" : "infinite");
  }
  const bool binary =
      std::all_of(targets.values.begin(), targets.values.end(), [](double v) { return v == 0 || v == 1; });
  targets.kind = binary ? TargetKind::labels : TargetKind::numbers;
  return targets;
}

}  // namespace itm
