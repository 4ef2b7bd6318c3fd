#pragma once
// What reports call a precision.

#include <string_view>

#include "itm/itm.hpp"

namespace itm {

inline std::string_view name_of(Precision precision) {
  return precision == Precision::float64 ? "float64" : precision == Precision::tf32 ? "tf32" : "float32";
}

}  // namespace itm
