#include "engine/evolution.hpp"

#include <limits>

#include "core/row_reader.hpp"
#include "core/text.hpp"
#include "engine/itm_forward.hpp"

namespace itm {
namespace {

template <typename Stored>
Evolution evolve_as(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                    const ItmOptions& options, double eta, const ItmParameters& parameters,
                    std::span<const std::uint32_t> chosen) {
  const std::size_t batch = chosen.size();
  const Recurrence form = choose_recurrence(Recurrence::automatic, batch, plan.labels.classes, options.steps);
  ItmForward<double, Stored> forward(feature, statistics, plan, options, eta, form, batch, {});
  forward.parameters().load(parameters);
  forward.run(chosen, options.validation_targets);
  Evolution out;
  out.evolved = narrow<double>(forward.evolved(), batch, forward.classes(), forward.width());
  for (std::size_t i = 0; i < batch; ++i) {
    out.predicted.push_back(static_cast<std::int32_t>(forward.argmax(forward.logits() + i * forward.width())));
  }
  return out;
}

}  // namespace

Evolution evolve_rows(const Array& feature, const FeatureStatistics& statistics, const ItmPlan& plan,
                      const ItmOptions& options, double eta, const ItmParameters& parameters,
                      std::span<const std::uint32_t> chosen) {
  blas::prepare();
  check_itm_inputs(path_text(feature.source()), feature.rows(), feature.cols(), statistics, plan, &parameters, {});
  if (reads_as_double(feature)) {
    return evolve_as<double>(feature, statistics, plan, options, eta, parameters, chosen);
  }
  return evolve_as<float>(feature, statistics, plan, options, eta, parameters, chosen);
}

double neighbour_purity(const std::vector<double>& points, std::size_t dims, const std::vector<std::int32_t>& labels) {
  const std::size_t rows = labels.size();
  std::size_t pure = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double nearest = std::numeric_limits<double>::infinity();
    std::int32_t label = -1;
    for (std::size_t j = 0; j < rows; ++j) {
      double square = 0;
      for (std::size_t d = 0; d < dims; ++d) {
        const double gap = points[i * dims + d] - points[j * dims + d];
        square += gap * gap;
      }
      if (j != i && square < nearest) {
        nearest = square;
        label = labels[j];
      }
    }
    pure += label == labels[i] ? 1 : 0;
  }
  return static_cast<double>(pure) / static_cast<double>(rows);
}

}  // namespace itm
