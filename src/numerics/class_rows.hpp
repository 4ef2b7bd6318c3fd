#pragma once
// Rows of each class, and seeded choices among them. An order depends on the seed and the row numbers alone, so all
// models of a data set are treated alike.

#include <cstdint>
#include <vector>

#include "itm/zoo.hpp"

namespace itm {

/// [C]: the rows of each class, ascending.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> rows_of_classes(const Labels& labels);

/// Puts rows into the order of their draws in a stream (core/philox.hpp).
void shuffle_rows(std::vector<std::uint32_t>& rows, std::uint64_t seed, std::uint64_t stream);

/// `folds` disjoint sets of rows that together are all rows; each class is spread over them as evenly as its size
/// allows, and so are the folds' sizes. Rows ascend within a fold.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> stratified_folds(const Labels& labels, std::size_t folds,
                                                                       std::uint64_t seed);

}  // namespace itm
