#pragma once
// One element as it lies in a file -> a C++ value. The dtype and the byte order are decided once per run of elements,
// the inner loops see constants only.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "io/half.hpp"
#include "itm/array.hpp"

namespace itm::io {

struct F16 {
  std::uint16_t bits;
};
struct BF16 {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t bits;
};

inline constexpr bool native_is_big_endian = std::endian::native == std::endian::big;

/// Calls f(Element{}) with the C++ type of `type`.
template <typename F>
decltype(auto) with_element_type(DType type, F&& f) {
  switch (type) {
    case DType::f16:
      return f(F16{});
    case DType::bf16:
      return f(BF16{});
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::i8:
      return f(std::int8_t{});
    case DType::i16:
      return f(std::int16_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::u8:
      return f(std::uint8_t{});
    case DType::u16:
      return f(std::uint16_t{});
    case DType::u32:
      return f(std::uint32_t{});
    case DType::u64:
      return f(std::uint64_t{});
    case DType::boolean:
      break;
  }
  return f(Bool{});
}

template <typename T>
[[nodiscard]] T byte_reversed(T value) noexcept {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

/// The element at `from`, which need not be aligned.
template <typename Element, bool Swap>
[[nodiscard]] Element load(const std::byte* from) noexcept {
  Element value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (Swap && sizeof(Element) > 1) value = byte_reversed(value);
  return value;
}

template <typename T, typename Element>
[[nodiscard]] T value_as(Element element) noexcept {
  if constexpr (std::is_same_v<Element, F16>) {
    return static_cast<T>(float_from_f16(element.bits));
  } else if constexpr (std::is_same_v<Element, BF16>) {
    return static_cast<T>(float_from_bf16(element.bits));
  } else if constexpr (std::is_same_v<Element, Bool>) {
    return static_cast<T>(element.bits != 0);
  } else {
    return static_cast<T>(element);
  }
}

/// `count` elements, `stride` bytes apart, converted to out[0, count).
template <typename Element, bool Swap, typename T>
void convert_run(const std::byte* from, std::ptrdiff_t stride, T* out, std::size_t count) noexcept {
  constexpr auto item = static_cast<std::ptrdiff_t>(sizeof(Element));
  if (stride != item) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = value_as<T>(load<Element, Swap>(from + static_cast<std::ptrdiff_t>(i) * stride));
    }
  } else if constexpr (std::is_same_v<Element, T> && !Swap) {
    std::memcpy(out, from, count * sizeof(T));
  } else if constexpr (std::is_same_v<Element, F16> && std::is_same_v<T, float> && !Swap) {
    floats_from_f16(from, out, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = value_as<T>(load<Element, Swap>(from + i * sizeof(Element)));
    }
  }
}

/// convert_run for a dtype and byte order known at run time.
template <typename T>
void convert_run(DType type, bool big_endian, const std::byte* from, std::ptrdiff_t stride, T* out,
                 std::size_t count) noexcept {
  with_element_type(type, [&]<typename Element>(Element) {
    if (big_endian == native_is_big_endian) {
      convert_run<Element, false>(from, stride, out, count);
    } else {
      convert_run<Element, true>(from, stride, out, count);
    }
  });
}

}  // namespace itm::io
