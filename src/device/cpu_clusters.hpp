#pragma once
// The start of k-means, and Gaussian mixtures, on the CPU. Both work in operations of the device that they belong to.

#include <functional>
#include <memory>
#include <span>

#include "itm/device.hpp"

namespace itm::cpu {

/// Device::spread_centres.
void spread_centres(Device& device, ConstView x, std::size_t first, std::span<const double> draws, View centres,
                    const std::function<void()>& checkpoint);

/// Device::mixture. A responsibility below e^-120 counts as zero: no sum of doubles can see it, and so most rows are
/// sorted out by their leading columns. Memory beyond x: about one N x components where the components overlap, much
/// less where they do not, and the components' covariances up to 256 MB.
[[nodiscard]] std::unique_ptr<Mixture> make_mixture(Device& device, ConstView x, std::span<const std::int32_t> labels,
                                                    std::size_t components, double floor);

}  // namespace itm::cpu
