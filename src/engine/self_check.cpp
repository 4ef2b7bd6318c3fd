#include "engine/self_check.hpp"

#include <memory>
#include <string>

#include "core/made_features.hpp"
#include "engine/observed_run.hpp"

namespace itm {
namespace {

constexpr std::size_t rows = 120;
constexpr std::size_t classes = 6;

Array made_model(std::size_t dims, const std::string& name) {
  const auto values = std::make_shared<std::vector<float>>(make_features({rows, dims, classes, 0.5, 1, name}));
  return {name, DType::f32, false, {rows, dims}, false, reinterpret_cast<const std::byte*>(values->data()), values};
}

}  // namespace

std::vector<Deviation> self_check(ItmEngine& engine) {
  ItmOptions options;
  options.batch_size = 40;
  options.iterations = 5;
  options.validate_every = 4;
  ItmOptions reference_options = options;
  reference_options.precision = Precision::float64;
  const Labels labels = made_labels(rows, classes);
  const ItmPlan plan = engine.plan(labels, options, {});
  const ItmPlan reference_plan = make_plan(labels, options);

  // Widths on both sides of a tile's and of a row's padding.
  std::vector<Array> features;
  for (const std::size_t dims : {8U, 33U, 70U, 130U}) {
    features.push_back(made_model(dims, "self-check " + std::to_string(dims)));
  }
  std::vector<ObservedRun> got(features.size());
  std::vector<ObservedRun> want(features.size());
  std::vector<ItmTask> tasks;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const ItmFeatures brought{[&features, i] { return features[i]; }, {}};
    got[i].statistics = engine.measure(brought, labels, options.standardise);
    want[i].statistics = measure_features(features[i], labels, options.standardise);
    want[i].result = run_itm(features[i], want[i].statistics, reference_plan, reference_options, options.eta,
                             initial_parameters(features[i].cols(), classes, options.seed), {},
                             want[i].observer(options.iterations, {}));
    ItmTask task;
    task.features = brought;
    task.statistics = &got[i].statistics;
    task.plan = &plan;
    task.eta = options.eta;
    task.seed = options.seed;
    task.observer = got[i].observer(options.iterations, {});
    tasks.push_back(task);
  }
  const std::vector<ItmResult> results = results_of(engine.run(tasks, options));

  std::vector<Deviation> worst;
  for (std::size_t i = 0; i < features.size(); ++i) {
    got[i].result = results[i];
    const std::vector<Deviation> stages = compare_stages(got[i], want[i], plan.validation.size());
    for (std::size_t s = 0; s < stages.size(); ++s) {
      if (i == 0) {
        worst.push_back(stages[s]);
      } else if (is_worse(stages[s], worst[s])) {
        worst[s] = stages[s];
      }
    }
  }
  return worst;
}

}  // namespace itm
