#pragma once
// What reports call a precision, and which of them a Device has.

#include <string_view>

#include "itm/arithmetic.hpp"
#include "itm/error.hpp"

namespace itm {

inline std::string_view name_of(Precision precision) {
  return precision == Precision::float64 ? "float64" : precision == Precision::tf32 ? "tf32" : "float32";
}

/// Throws InputError for a precision that only ITM's products on a GPU have.
inline void check_device_precision(Precision precision) {
  if (precision == Precision::tf32) {
    throw InputError("tf32 is a precision of ITM's products alone; choose float64 or float32");
  }
}

}  // namespace itm
