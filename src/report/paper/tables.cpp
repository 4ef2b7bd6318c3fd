#include "report/paper/tables.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>

#include "io/csv.hpp"
#include "report/paper/data.hpp"

namespace itm::paper {
namespace {

/// The records of an embedded file, its header first.
std::vector<std::vector<std::string>> records_of(const char* name, std::string_view csv) {
  const io::Where where{name, {}};
  io::CsvRecords records(where, csv);
  std::vector<std::vector<std::string>> all;
  for (io::CsvRecord record; records.next(record);) {
    all.push_back(record.fields);
  }
  return all;
}

template <typename T>
T number(std::string_view text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size()) {
    throw std::invalid_argument("not a number: " + std::string(text));
  }
  return value;
}

/// Tables 1 and 4: measure, method, the data sets, average.
Table table_of_methods(const char* name, std::string caption, std::string_view csv) {
  const auto records = records_of(name, csv);
  Table made{name, std::move(caption), "method", {records[0].begin() + 2, records[0].end() - 1}, {}};
  for (std::size_t i = 1; i < records.size(); ++i) {
    const auto& fields = records[i];
    made.rows.push_back({fields[0], fields[1], {fields.begin() + 2, fields.end() - 1}, fields.back()});
  }
  return made;
}

/// Table 3: model, the data sets.
Table table_of_models(const char* name, std::string caption, std::string_view csv) {
  const auto records = records_of(name, csv);
  Table made{name, std::move(caption), "model", {records[0].begin() + 1, records[0].end()}, {}};
  for (std::size_t i = 1; i < records.size(); ++i) {
    made.rows.push_back({"accuracy", records[i][0], {records[i].begin() + 1, records[i].end()}, ""});
  }
  return made;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::vector<Dataset> read_datasets() {
  std::vector<Dataset> all;
  const auto records = records_of("datasets", datasets_csv);
  for (std::size_t i = 1; i < records.size(); ++i) {
    const auto& fields = records[i];
    all.push_back(
        {fields[0], fields[1], words_of(fields[2]), number<std::size_t>(fields[3]), number<std::size_t>(fields[4])});
  }
  return all;
}

std::vector<Model> read_models() {
  std::vector<Model> all;
  const auto records = records_of("models", models_csv);
  for (std::size_t i = 1; i < records.size(); ++i) {
    all.push_back({records[i][0], number<std::size_t>(records[i][1])});
  }
  return all;
}

}  // namespace

std::vector<double> Row::values() const {
  std::vector<double> all;
  std::transform(cells.begin(), cells.end(), std::back_inserter(all), value_of);
  return all;
}

std::vector<std::string> Table::measures() const {
  std::vector<std::string> all;
  for (const Row& row : rows) {
    if (std::find(all.begin(), all.end(), row.measure) == all.end()) {
      all.push_back(row.measure);
    }
  }
  return all;
}

const Row* Table::find(std::string_view measure, std::string_view row_name) const {
  const std::string wanted = simplified_method(row_name);
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.measure == measure && simplified_method(row.name) == wanted;
  });
  return found == rows.end() ? nullptr : &*found;
}

const std::vector<Table>& tables() {
  static const std::vector<Table> all{
      table_of_methods("table1", "Table 1: weighted Kendall's tau_w and wall-clock time of methods", table1_csv),
      table_of_models("table3", "Table 3: highest accuracy of fine-tuned models", table3_csv),
      table_of_methods("table4", "Table 4: Spearman's rho and Kendall's tau of methods", table4_csv)};
  return all;
}

const Table& table(std::string_view name) {
  const auto found = std::find_if(tables().begin(), tables().end(), [&](const Table& t) { return t.name == name; });
  if (found == tables().end()) {
    throw std::out_of_range("no such table: " + std::string(name));
  }
  return *found;
}

const std::vector<Dataset>& datasets() {
  static const std::vector<Dataset> all = read_datasets();
  return all;
}

const Dataset* find_dataset(std::string_view name) {
  const std::string wanted = simplified(name);
  const auto is_it = [&](const std::string& spelling) { return simplified(spelling) == wanted; };
  const auto found = std::find_if(datasets().begin(), datasets().end(), [&](const Dataset& d) {
    return is_it(d.name) || is_it(d.full_name) || std::any_of(d.aliases.begin(), d.aliases.end(), is_it);
  });
  return found == datasets().end() ? nullptr : &*found;
}

const std::vector<Model>& models() {
  static const std::vector<Model> all = read_models();
  return all;
}

double value_of(const std::string& cell) { return number<double>(cell); }

std::string simplified(std::string_view name) {
  std::string kept;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) {
      kept += lower;
    }
  }
  return kept;
}

std::string simplified_method(std::string_view name) {
  std::string kept = simplified(name);
  return kept == "nleep" ? "nleap" : kept;
}

std::string_view title_of(std::string_view measure) {
  static const std::map<std::string_view, std::string_view> titles{{"tau_w", "weighted Kendall's tau_w"},
                                                                   {"seconds", "wall-clock seconds"},
                                                                   {"spearman", "Spearman's rho"},
                                                                   {"kendall", "Kendall's tau"},
                                                                   {"accuracy", "accuracy (%)"}};
  return titles.at(measure);
}

}  // namespace itm::paper
