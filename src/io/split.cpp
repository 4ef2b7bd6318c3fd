// A split of the person's: which rows are held out for validation.

#include <algorithm>
#include <string>

#include "io/cut_files.hpp"
#include "io/labels.hpp"
#include "io/read_any_array.hpp"
#include "io/where.hpp"
#include "itm/zoo.hpp"

namespace itm {
namespace {

/// "0", "train", "1", "val": the parts by all their names.
std::vector<std::string> texts_of(const ArrayRef& ref, const io::Where& where) {
  if (io::is_list(ref)) {
    return io::lines_of(ref.file);
  }
  std::vector<std::string> texts;
  io::read_whole({ref.file}, [&] {
    const Array array = ref.memory ? *ref.memory : io::read_any_array(ref.file, ref.key);
    if (array.is_text()) {
      texts = array.to_texts();
      return;
    }
    if (array.cols() != 1) {
      io::refuse(where, "has shape [{}, {}], but a split has one entry per row", array.rows(), array.cols());
    }
    for (const std::int64_t value : array.to_integers()) {
      texts.push_back(std::to_string(value));
    }
  });
  return texts;
}

}  // namespace

std::vector<std::uint8_t> read_entry_split(const ZooEntry& entry) {
  const ArrayRef& ref = entry.split.value();
  const io::Where where = io::where_of(ref);
  const std::size_t rows = entry.feature.rows();
  const auto check_rows = [&](std::size_t found) {
    if (found != rows) {
      io::refuse(where, "has {} entries, but {} has {} rows; a split has one entry per row", with_commas(found),
                 path_text(entry.feature.file), with_commas(rows));
    }
  };
  if (!io::is_list(ref)) {
    check_rows(ref.rows());
  }
  const std::vector<std::string> texts = texts_of(ref, where);
  check_rows(texts.size());
  std::vector<std::uint8_t> held_out(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string& text = texts[i];
    const bool validation = text == "1" || text == "val" || text == "validation";
    if (!validation && text != "0" && text != "train") {
      io::refuse(where, "row {} is {}; write 0 or train for the rows to train on, 1 or val for those to validate on",
                 with_commas(i), in_quotes(text));
    }
    held_out[i] = validation ? 1 : 0;
  }
  const auto count = static_cast<std::size_t>(std::count(held_out.begin(), held_out.end(), 1));
  if (count == 0 || count == rows) {
    io::refuse(where, "puts all {} rows into the {} part; both parts need rows", with_commas(rows),
               count == 0 ? "training" : "validation");
  }
  return held_out;
}

}  // namespace itm
