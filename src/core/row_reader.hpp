#pragma once
// Rows of a feature matrix as contiguous floats or doubles: a pointer into the file where its layout allows, otherwise
// a converted copy of one row.

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "itm/array.hpp"

namespace itm {

/// Value type in which `feature` is read without loss: double for 64-bit (and 32-bit integer) elements, float for the
/// rest.
[[nodiscard]] inline bool reads_as_double(const Array& feature) {
  return size_of(feature.dtype()) == 8 || (!is_floating(feature.dtype()) && size_of(feature.dtype()) == 4);
}

template <typename Stored>
class RowReader {
 public:
  /// `rows` maps row -> row of the array; empty: identity. Both must outlive the reader.
  RowReader(const Array& feature, std::span<const std::uint32_t> rows)
      : feature_(feature),
        rows_(rows),
        direct_(feature.is_native_row_major() &&
                feature.dtype() == (std::is_same_v<Stored, float> ? DType::f32 : DType::f64)) {
    if (!direct_) {
      scratch_.resize(feature.cols());
    }
  }

  [[nodiscard]] std::size_t rows() const { return rows_.empty() ? feature_.rows() : rows_.size(); }

  /// Valid until the next call.
  [[nodiscard]] const Stored* row(std::size_t i) {
    const std::size_t at = rows_.empty() ? i : rows_[i];
    if (direct_) {
      return reinterpret_cast<const Stored*>(feature_.data() + static_cast<std::ptrdiff_t>(at) * feature_.row_stride());
    }
    feature_.read_row<Stored>(at, scratch_);
    return scratch_.data();
  }

  /// Asks for the memory of a row ahead of its use.
  void prefetch(std::size_t i) const {
    const std::size_t at = rows_.empty() ? i : rows_[i];
    const std::byte* start = feature_.data() + static_cast<std::ptrdiff_t>(at) * feature_.row_stride();
    const std::size_t bytes = direct_ ? feature_.cols() * sizeof(Stored) : 0;
    for (std::size_t offset = 0; offset < bytes; offset += 64) {
      __builtin_prefetch(start + offset);
    }
  }

 private:
  const Array& feature_;
  std::span<const std::uint32_t> rows_;
  bool direct_;
  std::vector<Stored> scratch_;
};

}  // namespace itm
