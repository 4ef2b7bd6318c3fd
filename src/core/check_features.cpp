#include "core/check_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/row_reader.hpp"
#include "core/simd.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"

namespace itm {
namespace {

/// 0 times a finite number is 0, times anything else NaN: a sum that vectorises.
template <typename Stored>
ITM_CLONES bool row_is_finite(const Stored* x, std::size_t dims) {
  Stored sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t d = 0; d < dims; ++d) {
    sum += x[d] * Stored{0};
  }
  return sum == Stored{0};
}

template <typename Stored>
std::vector<std::uint32_t> bad_rows(const Array& feature, std::span<const std::uint32_t> rows, std::size_t at_most) {
  RowReader<Stored> reader(feature, rows);
  std::vector<std::uint32_t> bad;
  for (std::size_t i = 0; i < reader.rows() && bad.size() < at_most; ++i) {
    if (!row_is_finite(reader.row(i), feature.cols())) {
      bad.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return bad;
}

std::vector<std::uint32_t> bad_rows(const Array& feature, std::span<const std::uint32_t> rows, std::size_t at_most) {
  return reads_as_double(feature) ? bad_rows<double>(feature, rows, at_most) : bad_rows<float>(feature, rows, at_most);
}

}  // namespace

std::vector<std::uint32_t> find_bad_rows(const Array& feature) { return bad_rows(feature, {}, feature.rows()); }

void refuse_bad_rows(const Array& feature) {
  const std::vector<std::uint32_t> bad = find_bad_rows(feature);
  const std::string file = path_text(feature.source());
  if (bad.empty()) {
    throw InputError(fmt::format("{}: a column's values are too large for float64 statistics; extract it again", file));
  }
  std::vector<double> row(feature.cols());
  feature.read_row<double>(bad.front(), row);
  const bool is_nan = std::any_of(row.begin(), row.end(), [](double v) { return std::isnan(v); });
  throw InputError(fmt::format("{}: row {} is {} ({} of {} rows); extract it again or pass --drop-bad-rows", file,
                               with_commas(bad.front()), is_nan ? "NaN" : "infinite", with_commas(bad.size()),
                               with_commas(feature.rows())));
}

void check_finite(const Array& feature, std::span<const std::uint32_t> rows) {
  if (!bad_rows(feature, rows, 1).empty()) {
    refuse_bad_rows(feature);
  }
}

void check_row_count(const Array& array, std::span<const std::uint32_t> rows, std::size_t wanted) {
  const std::size_t n = rows.empty() ? array.rows() : rows.size();
  if (n != wanted) {
    throw InputError(fmt::format("{}: {} rows, but there are {} labels; extract features and labels together",
                                 path_text(array.source()), with_commas(n), with_commas(wanted)));
  }
}

}  // namespace itm
