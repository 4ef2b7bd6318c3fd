#pragma once
// What stands before the values of a `.npy` file that we write.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace itm::io {

/// Magic, version 1.0 and the header dict of a C-order array, padded so that the data starts at a multiple of 64 bytes,
/// as numpy does. `descr` is numpy's name of the element type: "<f4".
[[nodiscard]] std::string npy_header(std::string_view descr, std::span<const std::size_t> shape);

}  // namespace itm::io
