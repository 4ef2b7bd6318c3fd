#pragma once
// What a program does with an array it has read; the fuzz targets do the same, so that a bad stride or offset is met.

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "io/labels.hpp"
#include "itm/array.hpp"
#include "itm/error.hpp"

namespace itm::fuzz {

inline void expect(bool holds) {
  if (!holds) std::abort();
}

/// Reads every element in every way and compares what must be equal.
inline void use_array(const Array& array) {
  const std::vector<double> doubles = array.to_doubles();
  expect(doubles.size() == array.size());
  const Array native = array.to_native_row_major();
  expect(native.is_native_row_major());
  std::vector<double> row(array.cols());
  std::vector<float> floats(array.cols());
  for (std::size_t i = 0; i < array.rows(); ++i) {
    array.read_row<float>(i, floats);
    array.read_row<double>(i, row);
    // Bytes are compared, for NaN's sake.
    expect(std::memcmp(row.data(), doubles.data() + i * array.cols(), row.size() * sizeof(double)) == 0);
    native.read_row<double>(i, row);
    expect(std::memcmp(row.data(), doubles.data() + i * array.cols(), row.size() * sizeof(double)) == 0);
  }
  try {
    (void)array.to_integers();
    const Labels labels = io::check_labels({array.source(), {}}, array);
    expect(labels.classes >= 2 && labels.values.size() == array.rows());
  } catch (const InputError&) {
  }
}

}  // namespace itm::fuzz
