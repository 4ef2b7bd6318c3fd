#include "io/labels.hpp"

#include <algorithm>

#include "io/cut_files.hpp"
#include "io/shape.hpp"

namespace itm::io {

namespace {

constexpr std::size_t fewest_rows = 10;
constexpr std::size_t fewest_rows_per_class = 2;
constexpr std::string_view renumber = "renumber with numpy.unique(labels, return_inverse=True)[1]";

}  // namespace

Labels check_labels(const Where& where, const Array& array) {
  const std::size_t rows = array.rows();
  if (array.cols() != 1) {
    refuse(where, "has shape [{}, {}], but labels are one number per row; save one-hot labels as labels.argmax(axis=1)",
           rows, array.cols());
  }
  if (rows < fewest_rows) {
    refuse(where, "has {} labels; at least {} rows are needed to rank, extract more samples", rows, fewest_rows);
  }
  const std::vector<std::int64_t> values = array.to_integers();
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*least < 0) {
    const auto first = std::find_if(values.begin(), values.end(), [](std::int64_t value) { return value < 0; });
    refuse(where, "the label in row {} is {}; classes count from 0, drop unlabelled rows and {}",
           with_commas(static_cast<std::uint64_t>(first - values.begin())), *first, renumber);
  }
  // With N rows the classes 0..N-1 are all that can be without a gap; larger labels need no counter.
  std::vector<std::size_t> count(rows, 0);
  for (const std::int64_t value : values) {
    if (static_cast<std::uint64_t>(value) < rows) ++count[static_cast<std::size_t>(value)];
  }
  const auto largest = static_cast<std::uint64_t>(*most);
  const auto gap = static_cast<std::uint64_t>(std::find(count.begin(), count.end(), 0U) - count.begin());
  if (gap < rows && gap < largest) {
    refuse(where, "class {} has no rows although labels go up to {}; {}", with_commas(gap), with_commas(largest),
           renumber);
  }
  if (largest == 0) {
    refuse(where, "all {} labels are class 0; ranking needs at least two classes", with_commas(rows));
  }
  const std::size_t classes = static_cast<std::size_t>(largest) + 1;
  count.resize(classes);
  const auto lonely =
      std::find_if(count.begin(), count.end(), [](std::size_t rows_of) { return rows_of < fewest_rows_per_class; });
  if (lonely != count.end()) {
    refuse(where, "class {} has a single row; give it at least {} or drop the class and {}",
           with_commas(static_cast<std::uint64_t>(lonely - count.begin())), fewest_rows_per_class, renumber);
  }
  Labels labels;
  labels.classes = classes;
  labels.values.assign(values.size(), 0);
  std::transform(values.begin(), values.end(), labels.values.begin(),
                 [](std::int64_t value) { return static_cast<std::int32_t>(value); });
  return labels;
}

}  // namespace itm::io

namespace itm {

Labels read_labels(const ArrayRef& ref) {
  const bool archive = !ref.memory && ref.file.extension() != ".npy";
  Labels labels;
  io::read_whole({ref.file}, [&] {
    labels = io::check_labels({ref.file, archive ? ref.key : std::string()}, ref.read());
  });
  return labels;
}

Labels read_labels(const ArrayRef& ref, const ArrayRef& feature) {
  const std::size_t rows = feature.rows();
  const std::size_t labels = ref.rows();
  if (rows != labels) {
    io::refuse({feature.file, {}}, "{} rows, but there are {} labels in {}; extract features and labels together",
               with_commas(rows), with_commas(labels), path_text(ref.file));
  }
  return read_labels(ref);
}

}  // namespace itm
