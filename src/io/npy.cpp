#include "io/npy.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/dtype_names.hpp"
#include "io/elements.hpp"
#include "io/python_literal.hpp"
#include "io/shape.hpp"

namespace itm::io {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_header = 65'535;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr DTypeName numpy_names[] = {
    {"f2", DType::f16}, {"f4", DType::f32},     {"f8", DType::f64},    {"i1", DType::i8},  {"i2", DType::i16},
    {"i4", DType::i32}, {"i8", DType::i64},     {"u1", DType::u8},     {"u2", DType::u16}, {"u4", DType::u32},
    {"u8", DType::u64}, {"b1", DType::boolean}, {"?", DType::boolean},
};

[[noreturn]] void refuse_dtype(const Where& where, std::string_view descr) {
  const char kind = descr.find_first_of("<>=|") == 0 && descr.size() > 1 ? descr[1] : descr.empty() ? ' ' : descr[0];
  const std::string_view meaning = kind == 'O'                  ? "Python objects"
                                   : kind == 'c'                ? "complex numbers"
                                   : kind == 'U' || kind == 'S' ? "text"
                                   : kind == 'M' || kind == 'm' ? "dates"
                                   : kind == 'V'                ? "raw bytes"
                                                                : "an unsupported type";
  refuse(where, "holds {} (dtype {}); save it as float32 features or int64 labels", meaning, in_quotes(descr));
}

/// Reads '<f4' and its like into dtype and byte order. Characters of an element of text, else 1.
std::uint64_t read_descr(const Where& where, const PythonLiteral* descr, NpyHeader& header) {
  if (descr == nullptr) refuse(where, "has a header without 'descr'; write the file again with numpy.save");
  if (descr->kind == PythonLiteral::Kind::list || descr->kind == PythonLiteral::Kind::tuple) {
    refuse(where, "has a structured dtype; save one plain array per file");
  }
  if (descr->kind != PythonLiteral::Kind::string) {
    refuse(where, "has a header whose 'descr' is not text; write the file again with numpy.save");
  }
  std::string_view code = descr->text;
  header.big_endian = native_is_big_endian;
  if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
    if (code[0] == '<') header.big_endian = false;
    if (code[0] == '>') header.big_endian = true;
    code.remove_prefix(1);
  }
  const std::optional<DType> type = find_dtype(numpy_names, code);
  if (type) {
    header.dtype = *type;
    return 1;
  }
  std::uint64_t width = 0;
  const bool is_text = !code.empty() && (code[0] == 'U' || code[0] == 'S');
  if (is_text) {
    const auto [stop, error] = std::from_chars(code.data() + 1, code.data() + code.size(), width);
    if (error != std::errc{} || stop != code.data() + code.size()) width = 0;
  }
  if (width == 0) refuse_dtype(where, descr->text);
  header.is_text = true;
  header.dtype = code[0] == 'U' ? DType::u32 : DType::u8;
  return width;
}

std::vector<std::uint64_t> read_shape(const Where& where, const PythonLiteral* shape) {
  if (shape == nullptr) refuse(where, "has a header without 'shape'; write the file again with numpy.save");
  std::vector<std::uint64_t> extents;
  if (shape->kind != PythonLiteral::Kind::tuple && shape->kind != PythonLiteral::Kind::list) {
    refuse(where, "has a header whose 'shape' is not a tuple; write the file again with numpy.save");
  }
  for (const PythonLiteral& item : shape->items) {
    std::uint64_t extent = 0;
    const char* end = item.text.data() + item.text.size();
    const auto [stop, error] = std::from_chars(item.text.data(), end, extent);
    if (item.kind != PythonLiteral::Kind::integer || error != std::errc{} || stop != end) {
      refuse(where, "has a header whose 'shape' holds {}, no possible size; write the file again with numpy.save",
             item.text.empty() ? "something that is no number" : printable(item.text));
    }
    extents.push_back(extent);
  }
  return extents;
}

}  // namespace

std::size_t npy_data_offset(const Where& where, std::span<const std::byte> start) {
  if (as_text(start).substr(0, magic.size()) != magic) {
    refuse(where, "is not a .npy file (it does not start with \\x93NUMPY); write it with numpy.save");
  }
  if (start.size() < npy_preamble_bytes) {
    refuse(where, "ends inside its header ({} bytes in all); copy or write it again", start.size());
  }
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(start[i]); };
  const std::size_t major = byte(6);
  const std::size_t minor = byte(7);
  if (major < 1 || major > 3 || minor != 0) {
    refuse(where, "has .npy version {}.{}, but 1.0, 2.0 and 3.0 are known; write it again with numpy.save", major,
           minor);
  }
  const std::size_t prefix = major == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8U;
  if (major > 1) length |= byte(10) << 16U | byte(11) << 24U;
  if (length > longest_header) {
    refuse(where, "claims a header of {} bytes (at most {} make sense); the file is damaged, write it again",
           with_commas(length), with_commas(longest_header));
  }
  return prefix + length;
}

NpyHeader parse_npy_header(const Where& where, std::span<const std::byte> start) {
  NpyHeader header;
  header.data_offset = npy_data_offset(where, start);
  if (header.data_offset > start.size()) {
    refuse(where, "ends inside its header ({} of {} bytes); copy or write it again", with_commas(start.size()),
           with_commas(header.data_offset));
  }
  const std::size_t prefix = std::to_integer<int>(start[6]) == 1 ? 10 : 12;
  const PythonLiteral dict = parse_python_literal(where, as_text(start.subspan(prefix, header.data_offset - prefix)));
  if (dict.kind != PythonLiteral::Kind::dict) {
    refuse(where, "has a header that is not a dict; write the file again with numpy.save");
  }
  const std::uint64_t width = read_descr(where, dict.find("descr"), header);
  const PythonLiteral* order = dict.find("fortran_order");
  if (order == nullptr || order->kind != PythonLiteral::Kind::boolean) {
    refuse(where, "has a header without 'fortran_order' True or False; write the file again with numpy.save");
  }
  header.fortran_order = order->truth;
  std::vector<std::uint64_t> shape = read_shape(where, dict.find("shape"));
  if (header.is_text) {
    if (shape.size() == 2 && shape[1] == 1) shape.pop_back();
    if (shape.size() != 1) {
      refuse(where, "holds text in shape {}; save one label per row", shape_text(shape));
    }
    shape.push_back(width);
    header.fortran_order = false;
  }
  header.data_bytes = checked_bytes(where, shape, header.dtype);
  header.shape.assign(shape.begin(), shape.end());
  return header;
}

Array parse_npy(const Where& where, std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  NpyHeader header = parse_npy_header(where, bytes);
  const std::size_t present = bytes.size() - header.data_offset;
  if (present < header.data_bytes) {
    refuse(where, "is truncated: {} bytes of data, but its shape needs {}; copy or extract it again",
           with_commas(present), with_commas(header.data_bytes));
  }
  if (present > header.data_bytes) {
    refuse(where, "holds {} bytes after its array; write it again with numpy.save, one array per file",
           with_commas(present - header.data_bytes));
  }
  const Array array(where.file, header.dtype, header.big_endian, std::move(header.shape), header.fortran_order,
                    bytes.data() + header.data_offset, std::move(owner));
  return header.is_text ? array.as_text() : array;
}

}  // namespace itm::io
