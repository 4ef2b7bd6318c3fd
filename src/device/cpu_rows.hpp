#pragma once
// The row and column operations of the CPU device: loops over contiguous rows, vectorised per instruction set.

#include <cstdint>
#include <vector>

#include "itm/device.hpp"

namespace itm::cpu {

void scale(double factor, View x);
void add(double alpha, View x, View y);
void add_class_sums(View x, IndexView index, View s);
void add_weighted_class_sums(View w, View x, IndexView index, View s);
void add_indexed_rows(double alpha, View m, IndexView index, View x);
void add_to_rows(double alpha, View v, View x);
void gather_rows(View from, IndexView index, View to);
void scale_columns(View v, View x);
void scale_rows(View v, View x);
void clamp_rows(View most, View x);
void add_column_sums(View x, View out);
void add_column_squares(View x, View out);
void row_squares(View x, View out);
void indexed_row_dots(View a, View b, IndexView index, View out);
void softmax_rows(View x);
void log_sum_exp_rows(View x, View out);
[[nodiscard]] std::vector<std::int32_t> argmax_rows(View x);
void correlate_rows(View x);
void squared_distances(View a, View b, View out);
[[nodiscard]] std::vector<std::int32_t> smallest_of_rows(View x, std::size_t k);
[[nodiscard]] double sum(View x);
/// Least-significant-digit radix sort on the numbers' bit patterns; -0 comes before 0, and NaN is not allowed.
void sort(double* values, std::size_t count);

}  // namespace itm::cpu
