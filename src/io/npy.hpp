#pragma once
// The .npy format: magic, version, a header that is a Python dict literal, then the bytes of one array.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/where.hpp"
#include "itm/array.hpp"

namespace itm::io {

struct NpyHeader {
  DType dtype = DType::f32;
  bool big_endian = false;
  bool fortran_order = false;
  bool is_text = false;  ///< '<U7': shape [N, 7] of u32; '|S7': of u8
  std::vector<std::size_t> shape;
  std::size_t data_offset = 0;   ///< bytes before the data
  std::uint64_t data_bytes = 0;  ///< what shape and dtype promise; the file may hold less
};

/// Enough bytes of a file to call npy_data_offset.
inline constexpr std::size_t npy_preamble_bytes = 12;

/// Bytes before the data, from magic, version and header length. Throws InputError when it is no .npy file of a known
/// version, or when the header would be longer than 65,535 bytes (numpy writes 118).
[[nodiscard]] std::size_t npy_data_offset(const Where& where, std::span<const std::byte> start);

/// Parses the header; `start` holds at least npy_data_offset bytes. Throws InputError for what is no 1-D or 2-D array
/// of real numbers, nor a column of text.
[[nodiscard]] NpyHeader parse_npy_header(const Where& where, std::span<const std::byte> start);

/// A whole .npy file in memory; the array refers to `bytes`, which `owner` keeps alive.
[[nodiscard]] Array parse_npy(const Where& where, std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

}  // namespace itm::io
