#include "numerics/class_rows.hpp"

#include <algorithm>

#include "core/philox.hpp"

namespace itm {

std::vector<std::vector<std::uint32_t>> rows_of_classes(const Labels& labels) {
  std::vector<std::vector<std::uint32_t>> rows(labels.classes);
  for (std::uint32_t row = 0; row < labels.values.size(); ++row) {
    rows[static_cast<std::size_t>(labels.values[row])].push_back(row);
  }
  return rows;
}

void shuffle_rows(std::vector<std::uint32_t>& rows, std::uint64_t seed, std::uint64_t stream) {
  std::sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
    return philox::draw64(seed, stream, a) < philox::draw64(seed, stream, b);
  });
}

std::vector<std::vector<std::uint32_t>> stratified_folds(const Labels& labels, std::size_t folds, std::uint64_t seed) {
  constexpr std::uint64_t stream = philox::stream_id("stratified folds");
  std::vector<std::vector<std::uint32_t>> rows_of(folds);
  std::size_t next = 0;  // goes on from class to class, so that small classes do not all begin in the first fold
  for (std::vector<std::uint32_t>& members : rows_of_classes(labels)) {
    shuffle_rows(members, seed, stream);
    for (const std::uint32_t row : members) {
      rows_of[next++ % folds].push_back(row);
    }
  }
  for (std::vector<std::uint32_t>& rows : rows_of) {
    std::sort(rows.begin(), rows.end());
  }
  return rows_of;
}

}  // namespace itm
