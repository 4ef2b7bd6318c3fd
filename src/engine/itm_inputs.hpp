#pragma once
// What every ITM engine asks of its inputs and decides from them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "itm/itm.hpp"

namespace itm {

/// The cheaper exact evaluation of n steps for this batch: forward and backward each apply the operator once.
[[nodiscard]] Recurrence choose_recurrence(Recurrence wanted, std::size_t batch, std::size_t classes,
                                           std::size_t steps);

/// Throws InputError naming `source` where the parts of a run do not fit its features of `array_rows` x `dims`.
/// `initial` may be absent, `rows` maps plan rows to array rows (empty: identity).
void check_itm_inputs(const std::string& source, std::size_t array_rows, std::size_t dims,
                      const FeatureStatistics& statistics, const ItmPlan& plan, const ItmParameters* initial,
                      std::span<const std::uint32_t> rows);

/// A name for the contents of a file's array: another one once the file was written again. Empty for arrays in memory.
[[nodiscard]] std::string resident_key(const ArrayRef& ref);

}  // namespace itm
