#pragma once
// What file formats call types of elements: each has a table of names.

#include <optional>
#include <span>
#include <string_view>

#include "itm/array.hpp"

namespace itm::io {

struct DTypeName {
  std::string_view name;
  DType type;
};

[[nodiscard]] inline std::optional<DType> find_dtype(std::span<const DTypeName> names, std::string_view name) {
  for (const DTypeName& entry : names) {
    if (entry.name == name) return entry.type;
  }
  return std::nullopt;
}

}  // namespace itm::io
