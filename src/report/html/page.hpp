#pragma once
// A self-contained page, whatever it reports on: markup for everyone, and a JSON block `data` from which report.js
// sorts the tables and draws the plots. The block is {"schema": "itm.page/1", ..., "sections": [{"kind", "id",
// "data"}]}.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace itm::html {

using Json = nlohmann::ordered_json;

/// A column holds its values twice: as a reader sees them (`cells`) and at full precision, to sort and plot by.
struct Column {
  enum class Kind : std::uint8_t { number, text, heading };  ///< heading: the text that names its row

  std::string key;    ///< names the column in the page's address and in plots
  std::string label;  ///< plain text
  std::string hint;   ///< plain text, what the column means; may be empty
  Kind kind = Kind::number;
  bool ascending = false;          ///< whether the first click sorts smallest first
  Json values = Json::array();     ///< one a row; null where there is none
  std::vector<std::string> cells;  ///< one a row, markup
  Json more = Json::object();      ///< further arrays that belong to the values, such as the ends of intervals
};

struct Table {
  std::string id;     ///< unique in the page
  std::string label;  ///< what it holds, for those who do not see where it stands
  std::string note;   ///< shown above it; may be empty
  std::vector<Column> columns;
  bool first_is_best = false;  ///< sets the first row apart
  std::string sorted_by;       ///< key of the column by which the rows come in order; empty: by none
};

/// One axis of a plot. `values` is an array, or what values_of() gives.
[[nodiscard]] Json axis(std::string_view label, Json values, bool percent = false);
/// The values of a table's column, by reference: the page holds them once.
[[nodiscard]] Json values_of(const Table& table, std::string_view key);

class Page {
 public:
  /// What the page is about: title and facts (name and value) are plain text, the summary is markup.
  void add_header(std::string_view title, std::string_view summary,
                  const std::vector<std::pair<std::string, std::string>>& facts);
  /// Markup as it is.
  void add(std::string_view markup) { body_ += markup; }
  void add(const Table& table);
  /// A plot that report.js draws; `kind` is one of its functions: lines, scatter, dots, box. `caption` is plain text.
  void add_plot(std::string_view kind, const std::string& id, std::string_view caption, Json data);

  /// The whole file. `facts` open the JSON block.
  [[nodiscard]] std::string document(std::string_view title, Json facts) const;

 private:
  std::string body_;
  Json sections_ = Json::array();
};

}  // namespace itm::html
