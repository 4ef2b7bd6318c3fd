#pragma once
// How far the numbers of one run are from those of another.

#include <cstdint>
#include <span>
#include <string>

namespace itm {

/// How far one array is from its reference.
struct Deviation {
  std::string name;      ///< of the array or stage
  double absolute = 0;   ///< largest |got - want|
  double relative = 0;   ///< absolute / largest |want|
  double frobenius = 0;  ///< |got - want| / |want| in the Frobenius norm
  double tolerance = 0;  ///< of the measure that was chosen
  bool within = false;   ///< not beyond the tolerance
};

/// What Deviation::tolerance is held against.
enum class Measure : std::uint8_t { relative, frobenius };

/// Throws InputError when the lengths differ. A non-finite difference is never within tolerance.
[[nodiscard]] Deviation compare(std::string name, std::span<const double> got, std::span<const double> want,
                                Measure measure, double tolerance);

}  // namespace itm
