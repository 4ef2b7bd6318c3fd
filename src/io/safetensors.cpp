#include "io/safetensors.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/archive.hpp"
#include "io/dtype_names.hpp"
#include "io/json.hpp"
#include "io/shape.hpp"
#include "io/where.hpp"

namespace itm::io {

namespace {

using nlohmann::json;

constexpr std::uint64_t longest_json = 4U << 20U;  // headers of the largest published models are below 1 MiB
constexpr std::string_view metadata_key = "__metadata__";
constexpr std::string_view again = "write it again with safetensors.numpy.save_file";

constexpr DTypeName safetensors_names[] = {
    {"F16", DType::f16}, {"BF16", DType::bf16}, {"F32", DType::f32},      {"F64", DType::f64}, {"I8", DType::i8},
    {"I16", DType::i16}, {"I32", DType::i32},   {"I64", DType::i64},      {"U8", DType::u8},   {"U16", DType::u16},
    {"U32", DType::u32}, {"U64", DType::u64},   {"BOOL", DType::boolean},
};

struct Header {
  json tensors;  ///< name -> {dtype, shape, data_offsets}, checked to be objects
  std::span<const std::byte> data;
};

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Range range_of(const Where& where, const json& tensor) {
  const auto found = tensor.find("data_offsets");
  if (found == tensor.end() || !found->is_array() || found->size() != 2 || !(*found)[0].is_number_unsigned() ||
      !(*found)[1].is_number_unsigned()) {
    refuse(where, "has no usable 'data_offsets' in its header; {}", again);
  }
  const Range range{(*found)[0].get<std::uint64_t>(), (*found)[1].get<std::uint64_t>()};
  if (range.begin > range.end) {
    refuse(where, "has data_offsets [{}, {}] that run backwards; {}", range.begin, range.end, again);
  }
  return range;
}

json parse_header_json(const Where& where, std::string_view text) {
  try {
    return parse_json<json>(text);
  } catch (const JsonError& error) {
    refuse(where, "has a damaged header (it {}); {}", error.what(), again);
  }
}

Header parse_header(const Where& where, std::span<const std::byte> bytes) {
  constexpr std::size_t prefix = 8;
  if (bytes.size() < prefix) {
    refuse(where, "ends inside its header ({} bytes in all); copy or write it again", bytes.size());
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < prefix; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > longest_json) {
    refuse(where, "claims a header of {} bytes (at most {} make sense); it is no .safetensors file or it is damaged",
           with_commas(length), with_commas(longest_json));
  }
  if (length > bytes.size() - prefix) {
    refuse(where, "ends inside its header ({} of {} bytes); copy or write it again", with_commas(bytes.size() - prefix),
           with_commas(length));
  }
  const std::span<const std::byte> text = bytes.subspan(prefix, static_cast<std::size_t>(length));
  Header header{parse_header_json(where, {reinterpret_cast<const char*>(text.data()), text.size()}),
                bytes.subspan(prefix + text.size())};
  if (!header.tensors.is_object()) refuse(where, "has a damaged header (no JSON object); {}", again);
  header.tensors.erase(std::string(metadata_key));

  // The tensors must describe the data to its last byte, or the file was cut short or grew a tail.
  std::uint64_t described = 0;
  for (const auto& [name, tensor] : header.tensors.items()) {
    if (!tensor.is_object()) refuse({where.file, name}, "is not described by a JSON object; {}", again);
    described = std::max(described, range_of({where.file, name}, tensor).end);
  }
  if (described > header.data.size()) {
    refuse(where, "is truncated: {} bytes of data, but its header needs {}; copy or extract it again",
           with_commas(header.data.size()), with_commas(described));
  }
  if (described < header.data.size()) {
    refuse(where, "holds {} bytes after its last tensor; {}", with_commas(header.data.size() - described), again);
  }
  return header;
}

std::vector<std::string> names_of(const Header& header) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : header.tensors.items()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::uint64_t> shape_of(const Where& where, const json& tensor) {
  const auto found = tensor.find("shape");
  if (found == tensor.end() || !found->is_array()) refuse(where, "has no 'shape' in its header; {}", again);
  std::vector<std::uint64_t> shape;
  for (const json& extent : *found) {
    if (!extent.is_number_unsigned()) {
      refuse(where, "has a 'shape' that holds {}, no possible size; {}", in_quotes(extent.dump()), again);
    }
    shape.push_back(extent.get<std::uint64_t>());
  }
  return shape;
}

}  // namespace

Array parse_safetensors(const std::filesystem::path& file, std::span<const std::byte> bytes,
                        std::shared_ptr<const void> owner, std::string_view key) {
  const Where where{file, std::string(key)};
  const Header header = parse_header({file, {}}, bytes);
  const auto found = header.tensors.find(where.member);
  if (found == header.tensors.end()) {
    refuse_missing_key({file, {}}, key, names_of(header),
                       "safetensors.numpy.save_file({'feature': ..., 'label': ...})");
  }
  const auto dtype = found->find("dtype");
  if (dtype == found->end() || !dtype->is_string()) refuse(where, "has no 'dtype' in its header; {}", again);
  const std::optional<DType> type = find_dtype(safetensors_names, dtype->get_ref<const std::string&>());
  if (!type) {
    refuse(where, "has dtype {}; save it as F32 features or I64 labels",
           in_quotes(dtype->get_ref<const std::string&>()));
  }
  const std::vector<std::uint64_t> shape = shape_of(where, *found);
  const std::uint64_t needed = checked_bytes(where, shape, *type);
  const Range range = range_of(where, *found);
  if (range.end - range.begin != needed) {
    refuse(where, "has {} bytes of data, but its shape {} needs {}; {}", with_commas(range.end - range.begin),
           shape_text(shape), with_commas(needed), again);
  }
  return {file,
          *type,
          false,
          std::vector<std::size_t>(shape.begin(), shape.end()),
          false,
          header.data.data() + range.begin,
          std::move(owner)};
}

std::vector<std::string> parse_safetensors_keys(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  return names_of(parse_header({file, {}}, bytes));
}

}  // namespace itm::io
