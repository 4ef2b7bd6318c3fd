#pragma once
// A trace that has been read and checked, through the engine.

#include "check/trace.hpp"
#include "itm/verify.hpp"

namespace itm {

/// See the other replay_trace().
[[nodiscard]] std::vector<Deviation> replay_trace(const Trace& trace, Precision precision, Recurrence recurrence,
                                                  ItmEngine* engine = nullptr);

}  // namespace itm
