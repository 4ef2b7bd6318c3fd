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

/// IEEE binary16. Free of branches, so that a loop over it becomes SIMD code on any x86-64; and free of subnormal
/// float arithmetic, so that it is right under flush-to-zero as well.
[[nodiscard]] inline float float_from_f16(std::uint16_t half) noexcept {
  constexpr std::uint32_t exponent_step = 1U << 23U;
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t magnitude = (half & 0x7FFFU) << 13U;  // exponent and fraction where binary32 has them
  // Normal numbers need the exponent bias 127 instead of 15; infinity and NaN the exponent 255 instead of 31.
  std::uint32_t bits = magnitude + 112U * exponent_step;
  bits = static_cast<std::int32_t>(magnitude) >= static_cast<std::int32_t>(0x7C00U << 13U)
             ? magnitude + 224U * exponent_step
             : bits;
  // A subnormal is fraction * 2^-24: put the fraction behind a leading one of 2^-14, take that one away again.
  const float subnormal = std::bit_cast<float>(magnitude + 113U * exponent_step) - 0x1p-14F;
  bits = static_cast<std::int32_t>(magnitude) < static_cast<std::int32_t>(0x0400U << 13U)
             ? std::bit_cast<std::uint32_t>(subnormal)
             : bits;
  return std::bit_cast<float>(bits | sign);
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
