#pragma once
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a counter-based generator, so
// draw i of a stream is a pure function of (seed, stream, i) and CPU and GPU agree in any order.

#include <array>
#include <cstdint>
#include <string_view>

#ifdef __CUDACC__
#define ITM_HOST_DEVICE __host__ __device__
#else
#define ITM_HOST_DEVICE
#endif

namespace itm::philox {

struct Block {
  std::uint32_t word[4];
};

/// The ten-round bijection of a 128-bit counter under a 64-bit key.
ITM_HOST_DEVICE constexpr Block rounds(Block counter, std::uint64_t key) {
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * counter.word[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * counter.word[2];
    counter = Block{{static_cast<std::uint32_t>(p1 >> 32) ^ counter.word[1] ^ k0, static_cast<std::uint32_t>(p1),
                     static_cast<std::uint32_t>(p0 >> 32) ^ counter.word[3] ^ k1, static_cast<std::uint32_t>(p0)}};
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return counter;
}

/// FNV-1a, 64 bit: names a stream.
constexpr std::uint64_t stream_id(std::string_view name, std::uint64_t hash = 0xCBF29CE484222325ULL) {
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

/// Block `index` of a stream.
ITM_HOST_DEVICE constexpr Block block(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return rounds(Block{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                       static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}},
                seed);
}

/// 32-bit draw i of a stream.
ITM_HOST_DEVICE constexpr std::uint32_t draw32(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) {
  return block(seed, stream, i / 4).word[i % 4];
}

/// 64-bit draw i of a stream.
ITM_HOST_DEVICE constexpr std::uint64_t draw64(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) {
  const Block b = block(seed, stream, i / 2);
  const std::uint64_t high = (i % 2) == 0 ? b.word[0] : b.word[2];
  const std::uint64_t low = (i % 2) == 0 ? b.word[1] : b.word[3];
  return high << 32 | low;
}

/// Uniform in [0, 1), a multiple of 2^-24: exact in float and in double alike.
ITM_HOST_DEVICE constexpr double uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) {
  return static_cast<double>(draw32(seed, stream, i) >> 8) * (1.0 / 16777216.0);
}

/// The draw of entry (row, col) of a matrix: the same whatever the matrix's shape.
ITM_HOST_DEVICE constexpr std::uint64_t entry(std::uint32_t row, std::uint32_t col) {
  return std::uint64_t{row} << 32 | col;
}

}  // namespace itm::philox
