#pragma once
// Limited-memory BFGS (Nocedal and Wright, "Numerical Optimization", 2nd ed., algorithm 7.5) for smooth functions of a
// matrix in a device's memory.

#include <cstddef>
#include <cstdint>
#include <functional>

#include "itm/device.hpp"

namespace itm {

/// How long a step is: by bisection for the weak Wolfe conditions, or as L-BFGS-B does, to follow it step by step.
enum class LineSearch : std::uint8_t { bisection, more_thuente };

struct LbfgsOptions {
  std::size_t iterations = 100;  ///< at most
  double tolerance = 1e-5;       ///< stops when |gradient| <= tolerance * max(1, |x|), Euclidean norms
  std::size_t memory = 10;       ///< pairs of steps that the Hessian is remembered by
  LineSearch search = LineSearch::bisection;
  double least_decrease = 0;  ///< stops after a step that lowered the value v by at most so much of max(1, |v|)
  double steepest = 0;        ///< stops when no element of the gradient is larger
};

struct LbfgsResult {
  double value = 0;
  std::size_t iterations = 0;
  std::size_t evaluations = 0;
  bool converged = false;  ///< the tolerance was reached; else the iterations or the digits of the arithmetic ended
};

/// Writes f(x), a number, and its gradient. f may be infinite or NaN where x is too far out; the search then steps
/// back.
using Objective = std::function<void(ConstView x, View gradient, View value)>;

/// Minimises from x, in place. The value never rises. Works in dot products and sums alone, so the shape of x is free.
/// Reads once per evaluation: each is taken for the last of its search, and the next direction is found before its
/// value is known.
[[nodiscard]] LbfgsResult minimise(Device& device, const Objective& objective, View x, const LbfgsOptions& options);

}  // namespace itm
