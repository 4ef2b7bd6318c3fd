#pragma once
// A report's page taken apart again: what a reader without JavaScript sees, and the JSON block.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace itm::testing {

using Json = nlohmann::json;

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

inline std::string between(const std::string& text, const std::string& open, const std::string& close) {
  const std::size_t from = text.find(open);
  EXPECT_NE(from, std::string::npos) << open;
  const std::size_t start = from == std::string::npos ? 0 : from + open.size();
  return text.substr(start, text.find(close, start) - start);
}

/// The page's JSON block, as a browser would cut it out.
inline Json data_of(const std::string& page) {
  return Json::parse(between(page, R"(<script type="application/json" id="data">)", "</script>"));
}

/// What a reader without JavaScript has.
inline std::string static_part(const std::string& page) {
  return page.substr(0, page.find(R"(<template id="drawing">)"));
}

inline Json section(const Json& data, const std::string& id) {
  for (const Json& one : data["sections"]) {
    if (one["id"] == id) {
      return one;
    }
  }
  return nullptr;
}

inline Json column(const Json& data, const std::string& table, const std::string& key) {
  const Json found = section(data, table);
  if (found.is_null()) {
    return nullptr;
  }
  for (const Json& one : found["data"]["columns"]) {
    if (one["key"] == key) {
      return one["values"];
    }
  }
  return nullptr;
}

}  // namespace itm::testing
