#pragma once
// What ITM makes of given rows with given parameters (spec 2, steps 1 and 6; the paper's Fig. 7).

#include <cstdint>
#include <span>
#include <vector>

#include "itm/itm.hpp"

namespace itm {

struct Evolution {
  std::vector<double> evolved;          ///< E_n, rows x C row-major
  std::vector<std::int32_t> predicted;  ///< argmax h(E_n)
};

/// Evolves `chosen` rows (numbers of the plan) in one batch, as validation does with its batches: standardised rows
/// through psi, unit length, n steps towards the centres of the rows' labels or, where the options say so, of
/// argmax h(Theta). float64 throughout. `feature` is N x D; `statistics` and `parameters` are its own.
[[nodiscard]] Evolution evolve_rows(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                                    const ItmOptions& options, double eta, const ItmParameters& parameters,
                                    std::span<const std::uint32_t> chosen);

/// The fraction of rows whose nearest other row (Euclidean; the first of equals) has their label: 1 when classes lie
/// apart. `points` is rows x dims; O(rows^2 dims).
[[nodiscard]] double neighbour_purity(const std::vector<double>& points, std::size_t dims,
                                      const std::vector<std::int32_t>& labels);

}  // namespace itm
