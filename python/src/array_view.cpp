#include "array_view.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "itm/error.hpp"

namespace nb = nanobind;

namespace itm::python {
namespace {

constexpr bool is_big_endian = std::endian::native == std::endian::big;

struct TypePair {
  nb::dlpack::dtype_code code;
  std::uint8_t bits;
  DType type;
};

constexpr std::array types{
    TypePair{nb::dlpack::dtype_code::Float, 16, DType::f16},  TypePair{nb::dlpack::dtype_code::Bfloat, 16, DType::bf16},
    TypePair{nb::dlpack::dtype_code::Float, 32, DType::f32},  TypePair{nb::dlpack::dtype_code::Float, 64, DType::f64},
    TypePair{nb::dlpack::dtype_code::Int, 8, DType::i8},      TypePair{nb::dlpack::dtype_code::Int, 16, DType::i16},
    TypePair{nb::dlpack::dtype_code::Int, 32, DType::i32},    TypePair{nb::dlpack::dtype_code::Int, 64, DType::i64},
    TypePair{nb::dlpack::dtype_code::UInt, 8, DType::u8},     TypePair{nb::dlpack::dtype_code::UInt, 16, DType::u16},
    TypePair{nb::dlpack::dtype_code::UInt, 32, DType::u32},   TypePair{nb::dlpack::dtype_code::UInt, 64, DType::u64},
    TypePair{nb::dlpack::dtype_code::Bool, 8, DType::boolean}};

std::optional<DType> type_of(const nb::dlpack::dtype& dtype) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const TypePair& pair) {
    return static_cast<std::uint8_t>(pair.code) == dtype.code && pair.bits == dtype.bits && dtype.lanes == 1;
  });
  return found == types.end() ? std::nullopt : std::optional(found->type);
}

nb::dlpack::dtype dtype_of(DType type) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const TypePair& pair) { return pair.type == type; });
  return {static_cast<std::uint8_t>(found->code), found->bits, 1};
}

/// The numbers one by one, in an array of their own.
Array copy_of(const AnyArray& array, DType type, const std::string& name, std::vector<std::size_t> shape) {
  const std::size_t size = size_of(type);
  const std::size_t cols = array.ndim() == 2 ? shape[1] : 1;
  auto owner = std::make_shared<std::vector<std::byte>>(shape[0] * cols * size);
  const auto* from = static_cast<const std::byte*>(array.data());
  const std::int64_t col_stride = array.ndim() == 2 ? array.stride(1) : 0;
  for (std::size_t i = 0; i < shape[0]; ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      const std::int64_t at =
          static_cast<std::int64_t>(i) * array.stride(0) + static_cast<std::int64_t>(j) * col_stride;
      std::memcpy(owner->data() + (i * cols + j) * size, from + at * static_cast<std::int64_t>(size), size);
    }
  }
  const std::byte* data = owner->data();
  return {name, type, is_big_endian, std::move(shape), false, data, std::move(owner)};
}

}  // namespace

Array view_of(const AnyArray& array, const std::string& name) {
  if (array.device_type() != nb::device::cpu::value) {
    throw InputError(name + ": is not in the memory of the host; pass it with .cpu()");
  }
  if (array.ndim() != 1 && array.ndim() != 2) {
    throw InputError(name + ": has " + std::to_string(array.ndim()) +
                     " dimensions; features are [N, D]: one row for every image, pooled or flattened");
  }
  const std::optional<DType> type = type_of(array.dtype());
  if (!type) {
    throw InputError(name + ": has elements that are neither real numbers of 16, 32 or 64 bits nor integers");
  }
  std::vector<std::size_t> shape;
  for (std::size_t k = 0; k < array.ndim(); ++k) {
    shape.push_back(array.shape(k));
  }
  const auto rows = static_cast<std::int64_t>(shape[0]);
  const std::int64_t cols = array.ndim() == 2 ? static_cast<std::int64_t>(shape[1]) : 1;
  const auto* data = static_cast<const std::byte*>(array.data());
  if (rows == 0 || cols == 0) {
    return {name, *type, is_big_endian, std::move(shape), false, data, nullptr};
  }
  const bool row_major = (cols == 1 || array.stride(1) == 1) && (rows == 1 || array.stride(0) >= cols);
  if (row_major) {
    const std::int64_t stride = (rows == 1 ? cols : array.stride(0)) * static_cast<std::int64_t>(size_of(*type));
    return Array::with_row_stride(name, *type, is_big_endian, std::move(shape), data, stride);
  }
  if (array.ndim() == 2 && array.stride(0) == 1 && array.stride(1) == rows) {
    return {name, *type, is_big_endian, std::move(shape), true, data, nullptr};
  }
  return copy_of(array, *type, name, std::move(shape));
}

std::optional<OnDevice> on_device(nb::handle tensor, const AnyArray& host) {
  AnyArray there;
  if (!nb::try_cast(tensor, there) || there.device_type() != nb::device::cuda::value || there.ndim() != host.ndim() ||
      there.dtype() != host.dtype()) {
    return std::nullopt;
  }
  std::int64_t stride = 1;
  for (std::size_t k = there.ndim(); k-- > 0;) {
    if (there.shape(k) != host.shape(k) || (there.shape(k) > 1 && there.stride(k) != stride)) {
      return std::nullopt;
    }
    stride *= static_cast<std::int64_t>(there.shape(k));
  }
  return OnDevice{std::move(there)};
}

nb::object to_numpy(const Array& array) {
  auto owner = std::make_unique<Array>(array.to_native_row_major());
  const Array& kept = *owner;
  const std::vector<std::size_t>& shape = kept.shape();
  const std::vector<std::int64_t> strides =
      shape.size() == 2
          ? std::vector<std::int64_t>{kept.row_stride() / static_cast<std::int64_t>(size_of(kept.dtype())), 1}
          : std::vector<std::int64_t>{1};
  const nb::capsule life(owner.release(), [](void* pointer) noexcept { delete static_cast<Array*>(pointer); });
  return nb::cast(nb::ndarray<nb::numpy, nb::ro>(kept.data(), shape.size(), shape.data(), life, strides.data(),
                                                 dtype_of(kept.dtype())));
}

}  // namespace itm::python
