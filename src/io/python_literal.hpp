#pragma once
// The part of Python's literal syntax that .npy headers use: strings, integers, True/False/None, tuples, lists, dicts.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/where.hpp"

namespace itm::io {

struct PythonLiteral {
  enum class Kind : std::uint8_t { string, integer, boolean, none, tuple, list, dict };
  Kind kind = Kind::none;
  std::string text;                  ///< string: its value; integer: its digits with sign
  bool truth = false;                ///< boolean
  std::vector<PythonLiteral> items;  ///< tuple, list; dict: key, value, key, value, ...

  /// The value of a dict's key (the last one wins, as in Python); nullptr when there is none.
  [[nodiscard]] const PythonLiteral* find(std::string_view key) const;
};

/// Parses one literal followed by nothing but white space. Throws InputError with the byte where it went wrong.
[[nodiscard]] PythonLiteral parse_python_literal(const Where& where, std::string_view text);

}  // namespace itm::io
