#include "io/labels.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "io/csv.hpp"
#include "io/cut_files.hpp"
#include "io/input_file.hpp"
#include "io/read_any_array.hpp"

namespace itm::io {

namespace {

/// The names of classes. Throws InputError for an empty name or one that is there twice.
std::vector<std::string> read_classes(const std::filesystem::path& file) {
  std::vector<std::string> names = lines_of(file);
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) refuse({file, {}}, "line {}: the class has no name; write one a line", i + 1);
    const auto [at, is_new] = first.emplace(names[i], i);
    if (!is_new) {
      refuse({file, {}}, "line {}: class {} is in line {} already; keep one of them", i + 1, in_quotes(names[i]),
             at->second + 1);
    }
  }
  return names;
}

/// All classes have rows enough, and there are two.
void check_classes(const Where& where, const Labels& labels, const LabelRules& rules) {
  if (labels.classes < 2) {
    refuse(where, "all {} labels are class {}; ranking needs at least two classes", with_commas(labels.values.size()),
           labels.name_of(0));
  }
  const std::vector<std::size_t> count = labels.class_sizes();
  const auto rare = std::min_element(count.begin(), count.end());
  if (*rare < rules.fewest_rows) {
    refuse(where, "class {} has a single row; give it at least {}, or pass --drop-rare-classes {}",
           labels.name_of(static_cast<std::size_t>(rare - count.begin())), rules.fewest_rows, rules.fewest_rows);
  }
}

/// Distinct values, ascending, become 0 to C-1.
template <typename Value>
std::vector<Value> number(const std::vector<Value>& raw, Labels& labels) {
  std::vector<Value> distinct = raw;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  labels.classes = distinct.size();
  labels.values.resize(raw.size());
  std::transform(raw.begin(), raw.end(), labels.values.begin(), [&](const Value& value) {
    return static_cast<std::int32_t>(std::lower_bound(distinct.begin(), distinct.end(), value) - distinct.begin());
  });
  return distinct;
}

Labels from_numbers(const Where& where, const std::vector<std::int64_t>& raw, const LabelRules& rules) {
  Labels labels;
  const std::vector<std::int64_t> distinct = number(raw, labels);
  if (!rules.classes.empty()) {
    const std::vector<std::string> names = read_classes(rules.classes);
    for (const std::int64_t value : distinct) {
      if (value < 0 || static_cast<std::uint64_t>(value) >= names.size()) {
        const auto row = static_cast<std::uint64_t>(std::find(raw.begin(), raw.end(), value) - raw.begin());
        refuse(where, "the label in row {} is {}, but {} names the classes 0 to {}; let them fit", with_commas(row),
               value, path_text(rules.classes), names.size() - 1);
      }
      labels.names.push_back(names[static_cast<std::size_t>(value)]);
    }
  } else if (distinct.front() != 0 || distinct.back() != static_cast<std::int64_t>(distinct.size()) - 1) {
    for (const std::int64_t value : distinct) labels.names.push_back(std::to_string(value));
  }
  return labels;
}

Labels from_texts(const Where& where, const std::vector<std::string>& raw, const LabelRules& rules) {
  Labels labels;
  labels.names = number(raw, labels);
  if (labels.names.front().empty()) {
    const auto row = static_cast<std::uint64_t>(std::find(raw.begin(), raw.end(), "") - raw.begin());
    refuse(where, "the label in row {} is empty; every row needs one", with_commas(row));
  }
  if (rules.classes.empty()) return labels;
  // The order of the list instead of that of the alphabet.
  const std::vector<std::string> order = read_classes(rules.classes);
  std::unordered_map<std::string_view, std::size_t> place;
  for (std::size_t i = 0; i < order.size(); ++i) place.emplace(order[i], i);
  std::vector<std::pair<std::size_t, std::int32_t>> moved;  // place in the list, number so far
  for (std::size_t i = 0; i < labels.names.size(); ++i) {
    const auto at = place.find(labels.names[i]);
    if (at == place.end()) {
      const auto row = static_cast<std::uint64_t>(std::find(raw.begin(), raw.end(), labels.names[i]) - raw.begin());
      refuse(where, "the label in row {} is {}, which {} does not name; add it there", with_commas(row),
             in_quotes(labels.names[i]), path_text(rules.classes));
    }
    moved.emplace_back(at->second, static_cast<std::int32_t>(i));
  }
  std::sort(moved.begin(), moved.end());
  std::vector<std::int32_t> renumbered(moved.size());
  labels.names.clear();
  for (std::size_t i = 0; i < moved.size(); ++i) {
    renumbered[static_cast<std::size_t>(moved[i].second)] = static_cast<std::int32_t>(i);
    labels.names.push_back(order[moved[i].first]);
  }
  for (std::int32_t& value : labels.values) value = renumbered[static_cast<std::size_t>(value)];
  return labels;
}

/// Text whose every line is a whole number is a column of numbers.
std::optional<std::vector<std::int64_t>> as_numbers(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> numbers(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const char* end = texts[i].data() + texts[i].size();
    const auto [stop, error] = std::from_chars(texts[i].data(), end, numbers[i]);
    if (error != std::errc{} || stop != end) return std::nullopt;
  }
  return numbers;
}

void check_count(const Where& where, std::size_t rows) {
  if (rows < fewest_rows) {
    refuse(where, "has {} labels; at least {} rows are needed to rank, extract more samples", rows, fewest_rows);
  }
}

}  // namespace

bool is_list(const ArrayRef& ref) { return !ref.memory && ref.file.extension() == ".txt"; }

Where where_of(const ArrayRef& ref) {
  const bool archive = !ref.memory && !is_list(ref) && ref.file.extension() != ".npy";
  return {ref.file, archive ? ref.key : std::string()};
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  const std::string text = read_text(file, TextKind::names);
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) rest.remove_suffix(1);
  std::vector<std::string> lines;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(trimmed(rest.substr(0, end)));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

Labels check_labels(const Where& where, const Array& array, const LabelRules& rules) {
  if (!array.is_text() && array.cols() != 1) {
    refuse(where,
           "has shape [{}, {}], but labels are one per row; save one-hot labels as labels.argmax(axis=1), and several "
           "labels of a row as ..._target.npy",
           array.rows(), array.cols());
  }
  check_count(where, array.rows());
  Labels labels =
      array.is_text() ? from_texts(where, array.to_texts(), rules) : from_numbers(where, array.to_integers(), rules);
  check_classes(where, labels, rules);
  return labels;
}

}  // namespace itm::io

namespace itm {

std::vector<std::size_t> Labels::class_sizes() const {
  std::vector<std::size_t> sizes(classes);
  for (const std::int32_t label : values) ++sizes[static_cast<std::size_t>(label)];
  return sizes;
}

std::string Labels::name_of(std::size_t one) const {
  return names.empty() ? with_commas(one) : in_quotes(names.at(one));
}

Labels read_labels(const ArrayRef& ref, const LabelRules& rules) {
  Labels labels;
  const io::Where where = io::where_of(ref);
  if (io::is_list(ref)) {
    const std::vector<std::string> lines = io::lines_of(ref.file);
    io::check_count(where, lines.size());
    const auto numbers = io::as_numbers(lines);
    labels = numbers ? io::from_numbers(where, *numbers, rules) : io::from_texts(where, lines, rules);
    io::check_classes(where, labels, rules);
    return labels;
  }
  io::read_whole({ref.file}, [&] {
    labels = io::check_labels(where, ref.memory ? *ref.memory : io::read_any_array(ref.file, ref.key), rules);
  });
  return labels;
}

Labels read_entry_labels(const ZooEntry& entry, std::size_t fewest_rows) {
  if (!entry.label.memory && entry.label.file.empty()) {
    const std::filesystem::path folder = entry.feature.file.parent_path();
    io::refuse({entry.feature.file, {}}, "has no labels; put them into {} or, for all models, into {}",
               path_text(folder / (entry.model + "_" + entry.dataset + "_label.npy")),
               path_text(folder / (entry.dataset + "_label.npy")));
  }
  const LabelRules rules{fewest_rows, entry.classes};
  const std::size_t rows = entry.feature.rows();
  const auto refuse_count = [&](std::size_t labels) {
    io::refuse({entry.feature.file, {}}, "{} rows, but there are {} labels in {}; extract features and labels together",
               with_commas(rows), with_commas(labels), path_text(entry.label.file));
  };
  if (!io::is_list(entry.label) && entry.label.rows() != rows) refuse_count(entry.label.rows());
  Labels labels = read_labels(entry.label, rules);
  if (labels.values.size() != rows) refuse_count(labels.values.size());
  return labels;
}

}  // namespace itm
