#include "io/shape.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

namespace itm::io {

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  constexpr std::size_t shown = 8;
  if (shape.size() <= shown) return fmt::format("[{}]", fmt::join(shape, ", "));
  return fmt::format("[{}, ...]", fmt::join(shape.begin(), shape.begin() + shown, ", "));
}

std::uint64_t checked_bytes(const Where& where, const std::vector<std::uint64_t>& shape, DType type) {
  if (shape.empty()) refuse(where, "is a single number, not an array; save an array of shape [N, D] or [N]");
  if (shape.size() > 2) {
    refuse(where, "has {} dimensions {}; pool it to [N, D] first", shape.size(), shape_text(shape));
  }
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) {
    refuse(where, "holds no values (shape {}); extract it again", shape_text(shape));
  }
  constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());
  std::uint64_t bytes = size_of(type);
  for (const std::uint64_t extent : shape) {
    if (extent > limit / bytes) {
      refuse(where, "claims the impossible shape {}; the header is damaged, write the file again", shape_text(shape));
    }
    bytes *= extent;
  }
  return bytes;
}

}  // namespace itm::io
