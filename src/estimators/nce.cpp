// NCE, negative conditional entropy (Tran et al., ICCV 2019; thuml/LogME, NCE.py): -H(y | z) with z the source head's
// most probable class.

#include <cmath>

#include "estimators/registry.hpp"
#include "session/method.hpp"

namespace itm {
namespace {

Scored score_nce(const ModelInput& input) {
  Device& device = input.device();
  const std::size_t sources = input.source_classes();
  std::vector<double> joint(input.classes() * sources);  // rows of class y whose source class is z
  std::vector<double> marginal(sources);
  const Index best = device.index_scratch(input.rows());
  input.for_each_output_block(
      [&](ConstView logits, std::size_t first) { device.argmax_rows(logits, best.columns(first, logits.rows())); });
  const std::vector<std::int32_t> source = device.read(best);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const auto y = static_cast<std::size_t>(input.labels().values[i]);
    const auto z = static_cast<std::size_t>(source[i]);
    joint[y * sources + z] += 1;
    marginal[z] += 1;
  }

  Scored scored;
  std::size_t used = 0;
  for (std::size_t z = 0; z < sources; ++z) {
    used += marginal[z] > 0 ? 1 : 0;
    for (std::size_t y = 0; y < input.classes(); ++y) {
      const double count = joint[y * sources + z];
      if (count > 0) {
        scored.score += count * std::log(count / marginal[z]) / static_cast<double>(input.rows());
      }
    }
  }
  scored.details["source_classes"] = sources;
  scored.details["source_classes_predicted"] = used;
  return scored;
}

/// One pass over a thousand source logits a row.
Cost cost_of_nce(const Workload& work, const RankOptions&) { return {1.8e-6 * work.rows, 4000 * work.rows}; }

}  // namespace

Estimator nce_estimator() {
  return model_estimator(
      {.name = "nce",
       .description = "minus the entropy of the labels given the source head's predictions",
       .citation = "Tran et al., Transferability and Hardness of Supervised Classification Tasks, ICCV 2019",
       .inputs = {.features = false, .output = true},
       .cost = cost_of_nce},
      score_nce);
}

}  // namespace itm
