#include "itm/array.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "io/buffer.hpp"
#include "io/elements.hpp"
#include "io/mapped_file.hpp"
#include "io/where.hpp"

namespace itm {

std::size_t size_of(DType type) noexcept {
  return io::with_element_type(type, [](auto element) { return sizeof element; });
}

std::string_view name_of(DType type) noexcept {
  switch (type) {
    case DType::f16:
      return "float16";
    case DType::bf16:
      return "bfloat16";
    case DType::f32:
      return "float32";
    case DType::f64:
      return "float64";
    case DType::i8:
      return "int8";
    case DType::i16:
      return "int16";
    case DType::i32:
      return "int32";
    case DType::i64:
      return "int64";
    case DType::u8:
      return "uint8";
    case DType::u16:
      return "uint16";
    case DType::u32:
      return "uint32";
    case DType::u64:
      return "uint64";
    case DType::boolean:
      break;
  }
  return "bool";
}

bool is_floating(DType type) noexcept {
  return type == DType::f16 || type == DType::bf16 || type == DType::f32 || type == DType::f64;
}

Array::Array(std::filesystem::path source, DType type, bool big_endian, std::vector<std::size_t> shape,
             bool fortran_order, const std::byte* data, std::shared_ptr<const void> owner)
    : source_(std::move(source)),
      dtype_(type),
      big_endian_(big_endian),
      shape_(std::move(shape)),
      data_(data),
      owner_(std::move(owner)) {
  const auto item = static_cast<std::ptrdiff_t>(size_of(dtype_));
  row_stride_ = fortran_order ? item : item * static_cast<std::ptrdiff_t>(cols());
  col_stride_ = fortran_order ? item * static_cast<std::ptrdiff_t>(rows()) : item;
  if (cols() == 1) col_stride_ = item;  // both orders are the same bytes
  if (rows() == 1) row_stride_ = item * static_cast<std::ptrdiff_t>(cols());
}

Array Array::with_row_stride(std::filesystem::path source, DType type, bool big_endian, std::vector<std::size_t> shape,
                             const std::byte* data, std::ptrdiff_t row_stride) {
  Array array(std::move(source), type, big_endian, std::move(shape), false, data, nullptr);
  array.row_stride_ = row_stride;
  return array;
}

Array Array::with_device_copy(const void* on_device) const {
  Array other = *this;
  other.device_copy_ = on_device;
  return other;
}

Array Array::as_text() const {
  Array other = *this;
  other.is_text_ = true;
  return other;
}

Array Array::renamed(std::filesystem::path source) const {
  Array other = *this;
  other.source_ = std::move(source);
  return other;
}

bool Array::is_native_row_major() const noexcept {
  const std::size_t item = size_of(dtype_);
  const bool native = item == 1 || big_endian_ == io::native_is_big_endian;
  const bool contiguous = col_stride_ == static_cast<std::ptrdiff_t>(item);
  const bool aligned = reinterpret_cast<std::uintptr_t>(data_) % item == 0;  // row_stride is a multiple of item
  return native && contiguous && aligned;
}

namespace {

// Tiles of 64 rows x 32 columns: 32 read streams stay within the TLB, 32 elements fill whole cache lines when written,
// and the tile itself stays in L1 whatever power of two the row length is.
constexpr std::size_t tile_rows = 64;
constexpr std::size_t tile_cols = 32;

/// Calls done(first, last) after the columns [first, last) of a Fortran-ordered array have been read.
template <typename Element, bool Swap, typename T, typename Convert, typename Done>
void transpose(const Array& from, T* out, Convert convert, Done done) {
  T tile[tile_rows * tile_cols];
  const std::size_t rows = from.rows();
  const std::size_t cols = from.cols();
  for (std::size_t j0 = 0; j0 < cols; j0 += tile_cols) {
    const std::size_t width = std::min(tile_cols, cols - j0);
    for (std::size_t i0 = 0; i0 < rows; i0 += tile_rows) {
      const std::size_t height = std::min(tile_rows, rows - i0);
      for (std::size_t j = 0; j < width; ++j) {
        const std::byte* column = from.data() + static_cast<std::ptrdiff_t>(i0) * from.row_stride() +
                                  static_cast<std::ptrdiff_t>(j0 + j) * from.col_stride();
        for (std::size_t i = 0; i < height; ++i) {
          tile[i * tile_cols + j] = convert(io::load<Element, Swap>(column + i * sizeof(Element)));
        }
      }
      for (std::size_t i = 0; i < height; ++i) {
        std::copy_n(tile + i * tile_cols, width, out + (i0 + i) * cols + j0);
      }
    }
    done(j0, j0 + width);
  }
}

}  // namespace

Array Array::to_native_row_major() const {
  if (is_native_row_major()) return *this;
  const std::size_t item = size_of(dtype_);
  const std::shared_ptr<std::byte> copy = io::allocate_buffer(bytes());
  const io::MappedFile* file = io::MappedFile::behind(owner_);
  // Pages already copied go back to the system, so that the peak is one copy plus one panel. The next panel is asked
  // for ahead: the system's own read-ahead does not see through the many columns that are read side by side.
  const auto pass = [&](std::size_t first, std::size_t last) {
    if (file == nullptr) return;
    file->release(data_ + first, data_ + last);
    file->prefetch(data_ + last, data_ + std::min(bytes(), last + (last - first)));
  };
  io::with_element_type(dtype_, [&]<typename Element>(Element) {
    auto* out = reinterpret_cast<Element*>(copy.get());
    const bool swap = big_endian_ != io::native_is_big_endian;
    if (col_stride_ != static_cast<std::ptrdiff_t>(item)) {
      const std::size_t column = rows() * item;
      const auto keep = [](Element element) { return element; };
      const auto done = [&](std::size_t first, std::size_t last) { pass(first * column, last * column); };
      if (swap) {
        transpose<Element, true>(*this, out, keep, done);
      } else {
        transpose<Element, false>(*this, out, keep, done);
      }
      return;
    }
    if (row_stride_ != static_cast<std::ptrdiff_t>(item * cols())) {
      for (std::size_t i = 0; i < rows(); ++i) {
        const std::byte* row = data_ + static_cast<std::ptrdiff_t>(i) * row_stride_;
        for (std::size_t j = 0; j < cols(); ++j) {
          out[i * cols() + j] =
              swap ? io::load<Element, true>(row + j * item) : io::load<Element, false>(row + j * item);
        }
      }
      return;
    }
    constexpr std::size_t chunk = std::size_t{1} << 20U;  // elements
    for (std::size_t first = 0; first < size(); first += chunk) {
      const std::size_t last = std::min(first + chunk, size());
      if (swap) {
        for (std::size_t i = first; i < last; ++i) out[i] = io::load<Element, true>(data_ + i * item);
      } else {
        std::memcpy(out + first, data_ + first * item, (last - first) * item);
      }
      pass(first * item, last * item);
    }
  });
  return {source_, dtype_, io::native_is_big_endian, shape_, false, copy.get(), copy};
}

template <typename T>
void Array::read_row(std::size_t i, std::span<T> out) const {
  assert(i < rows() && out.size() >= cols());
  io::convert_run(dtype_, big_endian_, data_ + static_cast<std::ptrdiff_t>(i) * row_stride_, col_stride_, out.data(),
                  cols());
}
template void Array::read_row<float>(std::size_t, std::span<float>) const;
template void Array::read_row<double>(std::size_t, std::span<double>) const;

std::vector<double> Array::to_doubles() const {
  std::vector<double> out(size());
  const auto item = static_cast<std::ptrdiff_t>(size_of(dtype_));
  if (col_stride_ == item && row_stride_ == item * static_cast<std::ptrdiff_t>(cols())) {
    io::convert_run(dtype_, big_endian_, data_, item, out.data(), size());
    return out;
  }
  if (col_stride_ == item) {  // rows apart
    for (std::size_t i = 0; i < rows(); ++i) {
      read_row(i, std::span(out).subspan(i * cols(), cols()));
    }
    return out;
  }
  io::with_element_type(dtype_, [&]<typename Element>(Element) {
    const auto widen = [](Element element) { return io::value_as<double>(element); };
    const auto done = [](std::size_t, std::size_t) {};
    if (big_endian_ != io::native_is_big_endian) {
      transpose<Element, true>(*this, out.data(), widen, done);
    } else {
      transpose<Element, false>(*this, out.data(), widen, done);
    }
  });
  return out;
}

std::vector<std::int64_t> Array::to_integers() const {
  std::vector<std::int64_t> out(size());
  const auto refuse_at = [&](std::size_t at, const std::string& value) {
    io::refuse({source_, {}}, "the value in row {} is {}, which is not an integer; store whole numbers as int64",
               with_commas(at / cols()), value);
  };
  io::with_element_type(dtype_, [&]<typename Element>(Element) {
    const bool swap = big_endian_ != io::native_is_big_endian;
    for (std::size_t i = 0; i < rows(); ++i) {
      for (std::size_t j = 0; j < cols(); ++j) {
        const std::byte* at =
            data_ + static_cast<std::ptrdiff_t>(i) * row_stride_ + static_cast<std::ptrdiff_t>(j) * col_stride_;
        const Element element = swap ? io::load<Element, true>(at) : io::load<Element, false>(at);
        std::int64_t& value = out[i * cols() + j];
        if constexpr (std::is_same_v<Element, std::uint64_t>) {
          if (element > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            io::refuse({source_, {}}, "the value in row {} is {}, which is too large for int64", with_commas(i),
                       element);
          }
          value = static_cast<std::int64_t>(element);
        } else if constexpr (std::is_integral_v<Element> || std::is_same_v<Element, io::Bool>) {
          value = io::value_as<std::int64_t>(element);
        } else {
          const auto number = io::value_as<double>(element);
          // 2^63 is the first double beyond int64; NaN fails every comparison.
          if (!(number >= -0x1p63 && number < 0x1p63) || number != std::trunc(number)) {
            refuse_at(i * cols() + j, fmt::format("{}", number));
          }
          value = static_cast<std::int64_t>(number);
        }
      }
    }
  });
  return out;
}

std::vector<std::string> Array::to_texts() const {
  std::vector<std::string> out(rows());
  const bool swap = big_endian_ != io::native_is_big_endian;
  for (std::size_t i = 0; i < rows(); ++i) {
    for (std::size_t j = 0; j < cols(); ++j) {
      const std::byte* at =
          data_ + static_cast<std::ptrdiff_t>(i) * row_stride_ + static_cast<std::ptrdiff_t>(j) * col_stride_;
      const std::uint32_t point = dtype_ == DType::u8 ? std::to_integer<std::uint32_t>(*at)
                                  : swap              ? io::load<std::uint32_t, true>(at)
                                                      : io::load<std::uint32_t, false>(at);
      if (!append_utf8(out[i], point)) {
        io::refuse({source_, {}}, "the text in row {} holds {:#x}, which is no character; write the file again",
                   with_commas(i), point);
      }
    }
    out[i].resize(out[i].find_last_not_of('\0') + 1);  // NumPy pads with zeros; npos + 1 is 0
  }
  return out;
}

}  // namespace itm
