#pragma once
// Arrays of Python as arrays of the library.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <string>

#include "itm/array.hpp"

namespace itm::python {

/// One or two dimensions of any framework that speaks the buffer protocol or DLPack; what the caller may not write to
/// will do.
using AnyArray = nanobind::ndarray<nanobind::ro>;

/// The same numbers where they lie, as long as the Python object lives; copied only where neither rows nor columns are
/// contiguous. `name` stands for it in sentences. Throws InputError for other dimensions, element types and devices.
[[nodiscard]] Array view_of(const AnyArray& array, const std::string& name);

/// Numbers in the memory of a CUDA device, which lie there as long as this does.
struct OnDevice {
  AnyArray array;
  [[nodiscard]] std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(array.data()); }
};

/// What `tensor` has of `host` in the memory of a CUDA device, row after row; nothing where they lie there otherwise,
/// or not at all.
[[nodiscard]] std::optional<OnDevice> on_device(nanobind::handle tensor, const AnyArray& host);

/// A NumPy array, read-only, over the numbers of `array` in native row-major order; keeps them alive.
[[nodiscard]] nanobind::object to_numpy(const Array& array);

}  // namespace itm::python
