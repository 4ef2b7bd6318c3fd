#pragma once
// float16 and bfloat16 -> float32, exact for every bit pattern (a signalling NaN may come out quiet).

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__F16C__) && defined(__AVX__)
#include <immintrin.h>
#endif

namespace itm::io {

/// IEEE binary16. Masks instead of conditions, so that a loop over it becomes SIMD code on any x86-64; and no subnormal
/// float arithmetic, so that it is right under flush-to-zero as well.
[[nodiscard]] inline float float_from_f16(std::uint16_t half) noexcept {
  constexpr std::uint32_t exponent_step = 1U << 23U;
  constexpr std::uint32_t first_special = 0x7C00U << 13U;  // infinity; NaNs lie above
  constexpr std::uint32_t first_normal = 0x0400U << 13U;
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t magnitude = (half & 0x7FFFU) << 13U;  // exponent and fraction where binary32 has them
  // All ones where a is below b; both are below 2^31.
  const auto below = [](std::uint32_t a, std::uint32_t b) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(a - b) >> 31U);
  };
  const std::uint32_t special = below(first_special - 1, magnitude);
  const std::uint32_t subnormal = below(magnitude, first_normal);
  // Normal numbers need the exponent bias 127 instead of 15; infinity and NaN the exponent 255 instead of 31.
  const std::uint32_t normal_bits = magnitude + 112U * exponent_step + (special & (112U * exponent_step));
  // A subnormal is fraction * 2^-24: put the fraction behind a leading one of 2^-14, take that one away again.
  const float small = std::bit_cast<float>(magnitude + 113U * exponent_step) - 0x1p-14F;
  const std::uint32_t bits = (normal_bits & ~subnormal) | (std::bit_cast<std::uint32_t>(small) & subnormal);
  return std::bit_cast<float>(bits | sign);
}

/// The nearest binary16, ties to even; beyond 65504 infinity, NaN stays NaN.
[[nodiscard]] inline std::uint16_t f16_from_float(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16U) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return static_cast<std::uint16_t>(sign | 0x7E00U);
  }
  if (magnitude >= 0x47800000U) {  // 2^16 and above
    return static_cast<std::uint16_t>(sign | 0x7C00U);
  }
  if (magnitude < 0x38800000U) {  // below 2^-14: adding 0.5 leaves round(value * 2^24) in the low bits
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  const std::uint32_t odd = (magnitude >> 13U) & 1U;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFFU + odd) >> 13U));
}

/// bfloat16 is the upper half of a binary32.
[[nodiscard]] inline float float_from_bf16(std::uint16_t half) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16U);
}

/// `count` float16 values in native byte order at `from` (any alignment) to out[0, count).
inline void floats_from_f16(const std::byte* from, float* out, std::size_t count) noexcept {
  std::size_t i = 0;
#if defined(__F16C__) && defined(__AVX__)
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * i))));
  }
#endif
  for (; i < count; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, from + 2 * i, sizeof half);
    out[i] = float_from_f16(half);
  }
}

}  // namespace itm::io
