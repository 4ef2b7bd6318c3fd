#pragma once
// The two pieces of a plan that a device can compute: permutations and eigenvectors. The defaults are the host's.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "itm/itm.hpp"

namespace itm {

/// A permutation of 0..n-1: the order of n random 64-bit keys of a stream.
using Permute = std::function<std::vector<std::uint32_t>(std::size_t n, std::uint64_t seed, std::string_view stream)>;
/// Replaces a symmetric n x n matrix by its eigenvectors, one a row, by ascending eigenvalue; any sign.
using Eigenvectors = std::function<void(std::vector<double>& matrix, std::size_t n)>;

struct PlanTools {
  Permute permute;
  Eigenvectors eigenvectors;
};

/// make_plan() and make_centres() with other tools.
[[nodiscard]] ItmPlan make_plan_with(const PlanTools& tools, const Labels& labels, const ItmOptions& options,
                                     std::span<const std::uint8_t> held_out);
[[nodiscard]] std::vector<double> make_centres_with(const Eigenvectors& eigenvectors, CentreKind kind,
                                                    std::size_t classes, std::uint64_t seed);

/// The host's: std::sort of the keys, and LAPACK.
[[nodiscard]] std::vector<std::uint32_t> permute_on_host(std::size_t n, std::uint64_t seed, std::string_view stream);
void eigenvectors_on_host(std::vector<double>& matrix, std::size_t n);

}  // namespace itm
