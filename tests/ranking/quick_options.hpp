#pragma once
// Options for rankings that only need to end.

#include <string>

#include "itm/estimator.hpp"

namespace itm::testing {

/// A method, with few and small steps where it has any.
inline RankOptions quick(const std::string& method) {
  RankOptions options;
  options.method = method;
  options.itm.iterations = 30;
  options.itm.batch_size = 32;
  return options;
}

}  // namespace itm::testing
