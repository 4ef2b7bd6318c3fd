#include "engine/itm_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "itm/error.hpp"

namespace itm {

Recurrence choose_recurrence(Recurrence wanted, std::size_t batch, std::size_t classes, std::size_t steps) {
  if (wanted != Recurrence::automatic) {
    return wanted;
  }
  const auto b = static_cast<double>(batch);
  const auto c = static_cast<double>(classes);
  const auto n = static_cast<double>(steps);
  const double gram = b * b * c * (1 + 4 * n);
  const double factored = 8 * n * b * c * c;
  return gram < factored ? Recurrence::gram : Recurrence::factored;
}

void check_itm_inputs(const std::string& source, std::size_t array_rows, std::size_t dims,
                      const FeatureStatistics& statistics, const ItmPlan& plan, const ItmParameters* initial,
                      std::span<const std::uint32_t> rows) {
  const std::size_t classes = plan.labels.classes;
  const std::size_t n = rows.empty() ? array_rows : rows.size();
  const auto expect = [&](bool holds, std::string_view what) {
    if (!holds) {
      throw InputError(
          fmt::format("{}: {} do not fit {} rows, {} columns and {} classes", source, what, n, dims, classes));
    }
  };
  expect(std::all_of(rows.begin(), rows.end(), [=](std::uint32_t row) { return row < array_rows; }), "the rows");
  expect(plan.labels.values.size() == n, "the labels");
  expect(statistics.shift.size() == dims && statistics.scale.size() == dims, "the statistics");
  expect(plan.centres.size() == classes * classes, "the centres");
  expect(initial == nullptr || (initial->psi_w.size() == classes * dims && initial->psi_b.size() == classes &&
                                initial->head_w.size() == classes * classes && initial->head_b.size() == classes),
         "the initial parameters");
  const auto in_range = [&](const std::vector<std::uint32_t>& list) {
    return !list.empty() && std::all_of(list.begin(), list.end(), [n](std::uint32_t row) { return row < n; });
  };
  expect(in_range(plan.validation), "the validation rows");
  expect(plan.batch > 0 && in_range(plan.batches) && plan.batches.size() == plan.batch * plan.iterations,
         "the batches");
  expect(std::all_of(plan.labels.values.begin(), plan.labels.values.end(),
                     [classes](std::int32_t y) { return y >= 0 && static_cast<std::size_t>(y) < classes; }),
         "the label values");
}

std::string resident_key(const ArrayRef& ref) {
  if (ref.memory) {
    return {};  // its numbers may change between two calls
  }
  std::error_code ignored;
  return fmt::format("{}#{}#{}#{}", ref.file.string(), ref.key, std::filesystem::file_size(ref.file, ignored),
                     std::filesystem::last_write_time(ref.file, ignored).time_since_epoch().count());
}

}  // namespace itm
