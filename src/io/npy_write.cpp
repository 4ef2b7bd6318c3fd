#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <type_traits>

#include "io/atomic_file.hpp"
#include "io/elements.hpp"
#include "io/npy_header.hpp"
#include "io/where.hpp"
#include "itm/array.hpp"

namespace itm {

std::string io::npy_header(std::string_view descr, std::span<const std::size_t> shape) {
  std::string dims;
  for (const std::size_t extent : shape) dims += fmt::format("{}, ", extent);
  if (shape.size() > 1) dims.resize(dims.size() - 2);
  if (shape.size() == 1) dims.resize(dims.size() - 1);
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, dims);
  constexpr std::size_t prefix = 10;
  dict.append(63 - (prefix + dict.size()) % 64, ' ');
  dict += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(dict.size() & 0xFFU);
  header += static_cast<char>(dict.size() >> 8U);
  return header + dict;
}

template <typename T>
void write_npy(const std::filesystem::path& file, std::span<const T> values, std::span<const std::size_t> shape) {
  std::size_t size = 1;
  for (const std::size_t extent : shape) size *= extent;
  if (size != values.size()) {
    io::refuse({file, {}}, "cannot be written: {} values do not fill its shape", with_commas(values.size()));
  }
  const char kind = std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
  const std::string descr = fmt::format("{}{}{}", sizeof(T) == 1 ? '|' : '<', kind, sizeof(T));
  const std::string header = io::npy_header(descr, shape);
  io::AtomicFile out(file);
  out.write(std::as_bytes(std::span(header)));
  if constexpr (io::native_is_big_endian) {
    for (const T value : values) {
      const T little = io::byte_reversed(value);
      out.write(std::as_bytes(std::span(&little, 1)));
    }
  } else {
    out.write(std::as_bytes(values));
  }
  out.commit();
}

#define ITM_WRITE_NPY(T) \
  template void write_npy<T>(const std::filesystem::path&, std::span<const T>, std::span<const std::size_t>)
ITM_WRITE_NPY(float);
ITM_WRITE_NPY(double);
ITM_WRITE_NPY(std::int8_t);
ITM_WRITE_NPY(std::int16_t);
ITM_WRITE_NPY(std::int32_t);
ITM_WRITE_NPY(std::int64_t);
ITM_WRITE_NPY(std::uint8_t);
ITM_WRITE_NPY(std::uint16_t);
ITM_WRITE_NPY(std::uint32_t);
ITM_WRITE_NPY(std::uint64_t);
#undef ITM_WRITE_NPY

}  // namespace itm
