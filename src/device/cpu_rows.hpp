#pragma once
// The row and column operations of the CPU device: loops over contiguous rows, vectorised per instruction set.

#include <cstdint>
#include <vector>

#include "itm/device.hpp"

namespace itm::cpu {

void scale(double factor, View x);
void map(Map what, View x);
void add(double alpha, ConstView x, View y);
void add_class_sums(ConstView x, ConstIndexView index, View s);
void add_weighted_class_sums(ConstView w, ConstView x, ConstIndexView index, View s);
void class_moments(ConstView x, ConstIndexView order, ConstIndexView begin, View mean, View variance);
void add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x);
void add_to_rows(double alpha, ConstView v, View x);
void gather_rows(ConstView from, ConstIndexView index, View to);
void scale_columns(ConstView v, View x);
void scale_rows(ConstView v, View x);
void clamp_rows(ConstView most, View x);
void add_column_sums(ConstView x, View out);
void add_column_squares(ConstView x, View out);
void inverse_deviations(ConstView mean, ConstView variance, double noise, View out);
void fix_column_signs(View x);
void row_squares(ConstView x, View out);
void indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out);
void pick(ConstView x, ConstIndexView index, View out);
void softmax_rows(View x);
void log_sum_exp_rows(ConstView x, View out);
/// Sum over the rows of log sum_j exp(z_ij) - z[i, label_i].
[[nodiscard]] double cross_entropy(ConstView z, ConstIndexView labels);
/// The same, and every row becomes its soft-max.
[[nodiscard]] double softmax_cross_entropy(View z, ConstIndexView labels);
/// Device::logistic_residuals; returns the loss.
[[nodiscard]] double logistic_residuals(View z, ConstView y);
void argmax_rows(ConstView x, IndexView out);
void correlate_rows(View x);
void squared_distances(ConstView a, ConstView b, View out);
[[nodiscard]] std::vector<std::int32_t> smallest_of_rows(ConstView x, std::size_t k);
[[nodiscard]] double sum(ConstView x);
/// Row by row.
[[nodiscard]] double dot(ConstView a, ConstView b);
/// Least-significant-digit radix sort on the numbers' bit patterns; -0 comes before 0, and NaN is not allowed.
void sort(double* values, std::size_t count);

}  // namespace itm::cpu
