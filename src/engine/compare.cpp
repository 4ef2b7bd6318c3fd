#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "itm/deviation.hpp"
#include "itm/error.hpp"

namespace itm {

Deviation compare(std::string name, std::span<const double> got, std::span<const double> want, Measure measure,
                  double tolerance) {
  if (got.size() != want.size()) {
    throw InputError(fmt::format("{}: {} values where the reference has {}; the two runs differ in shape", name,
                                 got.size(), want.size()));
  }
  Deviation d;
  d.name = std::move(name);
  d.tolerance = tolerance;
  double largest = 0;
  double gap_square = 0;
  double want_square = 0;
  bool finite = true;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double gap = std::abs(got[i] - want[i]);
    finite = finite && std::isfinite(gap);
    d.absolute = std::max(d.absolute, gap);
    largest = std::max(largest, std::abs(want[i]));
    gap_square += gap * gap;
    want_square += want[i] * want[i];
  }
  // An all-zero reference: the deviation itself is the only scale.
  d.relative = largest > 0 ? d.absolute / largest : d.absolute;
  d.frobenius = want_square > 0 ? std::sqrt(gap_square / want_square) : std::sqrt(gap_square);
  d.within = finite && (measure == Measure::relative ? d.relative : d.frobenius) <= tolerance;
  return d;
}

}  // namespace itm
