#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace itm::cli {

/// The value of CUDA_VISIBLE_DEVICES for the process with this rank on its machine, so that each has a GPU of its own
/// while there are enough. `visible` is the present value, empty where there is none; `devices` how many GPUs the
/// machine has. Empty: leave it as it is.
[[nodiscard]] inline std::string local_device(std::size_t local_rank, std::string_view visible, std::size_t devices) {
  std::vector<std::string> choices;
  for (std::size_t at = 0; !visible.empty() && at <= visible.size();) {
    const std::size_t comma = std::min(visible.find(',', at), visible.size());
    choices.emplace_back(visible.substr(at, comma - at));
    at = comma + 1;
  }
  for (std::size_t i = 0; visible.empty() && i < devices; ++i) {
    choices.push_back(std::to_string(i));
  }
  return choices.empty() ? std::string() : choices[local_rank % choices.size()];
}

}  // namespace itm::cli
