// LEEP, log expected empirical prediction (Nguyen et al., ICML 2020; thuml/LogME, LEEP.py): the source head's classes z
// are translated to target classes by the empirical p(y|z), and the score is the mean log-probability of the labels.

#include <cmath>

#include "estimators/registry.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

Scored score_leep(const ModelInput& input) {
  Device& device = input.device();
  const Classes& classes = input.class_rows();
  const Matrix joint = device.matrix(input.classes(), input.source_classes());  // N p(y, z), then p(y | z)
  input.for_each_output_block([&](View p, std::size_t first) {
    device.softmax_rows(p);
    device.add_class_sums(p, classes.rows(first, p.rows()), joint);
  });

  const Matrix marginal = device.matrix(1, input.source_classes());
  device.add_column_sums(joint, marginal);
  device.map(Map::inverse, marginal);  // 0 for a source class that no row has any probability of
  device.scale_columns(marginal, joint);

  // The soft-max is taken again: keeping it would cost twice the memory of the logits.
  const Matrix expected = device.matrix(1, input.rows());
  input.for_each_output_block([&](View p, std::size_t first) {
    device.softmax_rows(p);
    device.indexed_row_dots(p, joint, classes.labels(first, p.rows()), expected.columns(first, p.rows()));
  });
  Scored scored;
  for (const double value : device.read(expected)) {
    scored.score += std::log(value) / static_cast<double>(input.rows());
  }
  scored.details["source_classes"] = input.source_classes();
  return scored;
}

/// One soft-max over a thousand source classes a row.
Cost cost_of_leep(const Workload& work, const RankOptions&) { return {5.4e-6 * work.rows, 4000 * work.rows}; }

}  // namespace

Estimator leep_estimator() {
  return model_estimator({.name = "leep",
                          .description = "log expected empirical prediction through the source head's classes",
                          .citation = "Nguyen et al., LEEP: A New Measure to Evaluate Transferability, ICML 2020",
                          .inputs = {.features = false, .output = true},
                          .cost = cost_of_leep},
                         score_leep);
}

}  // namespace itm
