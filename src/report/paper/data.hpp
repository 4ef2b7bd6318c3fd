#pragma once
// The CSV files of this folder, embedded by cmake/Embed.cmake.

#include <string_view>

namespace itm::paper {

extern const std::string_view datasets_csv;
extern const std::string_view models_csv;
extern const std::string_view table1_csv;
extern const std::string_view table3_csv;
extern const std::string_view table4_csv;

}  // namespace itm::paper
