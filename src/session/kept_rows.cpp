#include "session/kept_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"

namespace itm {

KeptRows drop_bad_rows(const Array& feature, const Labels& labels) {
  KeptRows kept;
  const std::vector<std::uint32_t> bad = find_bad_rows(feature);
  const bool labelled = labels.classes > 0;
  if (bad.empty() || (labelled && feature.rows() != labels.values.size())) {
    return kept;  // whoever reads the features next says that the numbers of rows differ
  }
  Labels left;
  left.classes = labels.classes;
  std::vector<std::size_t> class_size(left.classes);
  auto next_bad = bad.begin();
  for (std::uint32_t row = 0; row < feature.rows(); ++row) {
    if (next_bad != bad.end() && *next_bad == row) {
      ++next_bad;
      continue;
    }
    kept.rows.push_back(row);
    if (!labelled) {
      continue;
    }
    left.values.push_back(labels.values[row]);
    class_size[static_cast<std::size_t>(left.values.back())] += 1;
  }
  const auto lost = std::find_if(class_size.begin(), class_size.end(), [](std::size_t size) { return size < 2; });
  if (lost != class_size.end()) {
    throw InputError(fmt::format("{}: without its {} bad rows class {} has {} row(s) left; extract it again",
                                 path_text(feature.source()), with_commas(bad.size()), lost - class_size.begin(),
                                 *lost));
  }
  if (labelled) {
    kept.labels = std::move(left);
  }
  return kept;
}

}  // namespace itm
