#pragma once
// The static parts of a page, embedded by cmake/Embed.cmake from the files of the same names in this folder.

#include <string_view>

namespace itm::html {

extern const std::string_view report_html;
extern const std::string_view report_css;
extern const std::string_view report_js;

}  // namespace itm::html
