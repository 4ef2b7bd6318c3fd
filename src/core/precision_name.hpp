#pragma once
// What reports call a precision, and which of them a Device has.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "itm/arithmetic.hpp"
#include "itm/error.hpp"

namespace itm {

inline std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::float64:
      return "float64";
    case Precision::tf32:
      return "tf32";
    case Precision::tf32x3:
      return "3xtf32";
    case Precision::float32:
      break;
  }
  return "float32";
}

/// Those of ITM by their names, as options take them.
inline std::vector<std::pair<std::string, Precision>> named_precisions() {
  std::vector<std::pair<std::string, Precision>> all;
  for (const Precision precision : {Precision::float32, Precision::float64, Precision::tf32x3, Precision::tf32}) {
    all.emplace_back(name_of(precision), precision);
  }
  return all;
}

/// Throws InputError for a precision that only ITM's products on a GPU have.
inline void check_device_precision(Precision precision) {
  if (precision == Precision::tf32 || precision == Precision::tf32x3) {
    throw InputError(std::string(name_of(precision)) +
                     " is a precision of ITM's products alone; choose float64 or float32");
  }
}

}  // namespace itm
