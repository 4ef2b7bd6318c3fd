// Chooses the reader of a file, by its suffix or else by its first bytes.

#include <memory>
#include <optional>

#include "io/mapped_file.hpp"
#include "io/npy.hpp"
#include "io/npz.hpp"
#include "io/read_any_array.hpp"
#include "io/safetensors.hpp"
#include "io/where.hpp"
#include "itm/array.hpp"

namespace itm {

namespace {

enum class Format : std::uint8_t { npy, npz, safetensors };

Format format_of(const std::filesystem::path& file) {
  const std::filesystem::path suffix = file.extension();
  if (suffix == ".npy") return Format::npy;
  if (suffix == ".npz") return Format::npz;
  if (suffix == ".safetensors") return Format::safetensors;
  const auto mapped = io::MappedFile::open(file);
  const std::string_view start(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size());
  if (start.starts_with("\x93NUMPY")) return Format::npy;
  if (start.starts_with("PK\x03\x04")) return Format::npz;
  io::refuse({file, {}}, "is of no known format; name a .npy, .npz or .safetensors file");
}

}  // namespace

namespace io {

Array read_any_array(const std::filesystem::path& file, std::string_view key) {
  try {
    switch (format_of(file)) {
      case Format::npy: {
        auto mapped = io::MappedFile::open(file);
        const auto bytes = mapped->bytes();
        return parse_npy({file, {}}, bytes, std::move(mapped));
      }
      case Format::safetensors: {
        auto mapped = io::MappedFile::open(file);
        const auto bytes = mapped->bytes();
        return io::parse_safetensors(file, bytes, std::move(mapped), key);
      }
      case Format::npz:
        break;
    }
    return io::read_npz(file, key);
  } catch (const std::bad_alloc&) {
    throw DeviceError(fmt::format("{}: does not fit in memory; free some, or save it as .npy, which is read in place",
                                  io::Where{file, std::string(key)}.text()));
  }
}

}  // namespace io

Array read_array(const std::filesystem::path& file, std::string_view key) {
  Array array = io::read_any_array(file, key);
  if (array.is_text()) {
    const bool archive = file.extension() == ".npz";
    const char order = array.dtype() == DType::u8 ? '|' : array.big_endian() ? '>' : '<';
    io::refuse({file, archive ? std::string(key) : std::string()},
               "holds text (dtype '{}{}{}'); save it as float32 features", order,
               array.dtype() == DType::u8 ? 'S' : 'U', array.cols());
  }
  return array;
}

std::size_t count_rows(const std::filesystem::path& file, std::string_view key) {
  return format_of(file) == Format::npz ? io::npz_rows(file, key) : io::read_any_array(file, key).rows();
}

std::vector<std::string> array_keys(const std::filesystem::path& file) {
  switch (format_of(file)) {
    case Format::npy:
      return {};
    case Format::safetensors:
      return io::parse_safetensors_keys(file, io::MappedFile::open(file)->bytes());
    case Format::npz:
      break;
  }
  return io::npz_keys(file);
}

}  // namespace itm
