#pragma once
// The one way in for JSON: every text that the program parses, whoever wrote it, comes through here. Nesting is
// limited, because what was read is written again and walked by functions that call themselves.

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "io/input_file.hpp"
#include "io/where.hpp"

namespace itm::io {

/// Levels of nesting that are read; our own files have seven.
inline constexpr int deepest_json = 32;

/// What is wrong with a text: "is not valid JSON (at byte 12)". It does not know whose text it is; whoever does puts
/// the name in front.
class JsonError : public InputError {
 public:
  using InputError::InputError;
};

/// `Json` is nlohmann::json, or nlohmann::ordered_json where the order of keys has a meaning. Throws JsonError for what
/// is no JSON, nested too deeply, or holds a number beyond the range of a double.
template <typename Json>
[[nodiscard]] Json parse_json(std::string_view text);

/// The same; throws InputError "<where> <what is wrong>; <remedy>".
template <typename Json>
[[nodiscard]] Json parse_json(const Where& where, std::string_view text, std::string_view remedy);

/// A whole file.
template <typename Json>
[[nodiscard]] Json read_json(const std::filesystem::path& file, TextKind kind, std::string_view remedy);

}  // namespace itm::io
