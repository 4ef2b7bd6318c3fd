// Replays a float64 autograd trace (layout: golden/itm_trace/*) through the engine.

#include "check/replay.hpp"

#include <algorithm>
#include <numeric>

#include "check/trace.hpp"
#include "itm/verify.hpp"

namespace itm {
namespace {

ItmOptions trace_options(const Trace& trace, Precision precision, Recurrence recurrence) {
  ItmOptions options;
  options.iterations = trace.plan.iterations;
  options.steps = trace.steps;
  options.eta = trace.eta;
  options.precision = precision;
  options.recurrence = recurrence;
  options.learning_rate = trace.learning_rate;
  options.weight_decay = trace.weight_decay;
  options.validate_every =
      std::accumulate(trace.curve.begin(), trace.curve.end(), std::size_t{0},
                      [](std::size_t divisor, const Checkpoint& point) { return std::gcd(divisor, point.iteration); });
  return options;
}

}  // namespace

std::vector<Deviation> replay_trace(const Trace& trace, Precision precision, Recurrence recurrence, ItmEngine* engine) {
  const Array& feature = trace.feature;
  const ItmPlan& plan = trace.plan;
  const ItmOptions options = trace_options(trace, precision, recurrence);
  const ItmFeatures features{[&feature] { return feature.to_native_row_major(); }, ""};
  const FeatureStatistics statistics = engine != nullptr ? engine->measure(features, plan.labels, options.standardise)
                                                         : measure_features(feature, plan.labels, options.standardise);
  std::vector<double> losses;
  IterationSnapshot first;
  ItmParameters final_parameters;
  ItmObserver observer;
  observer.losses = &losses;
  observer.snapshot_iteration = 1;
  observer.snapshot = &first;
  observer.final_parameters = &final_parameters;
  const ItmTask task{features, &statistics, &plan, options.eta, 0, &trace.initial, observer};
  const ItmResult result = engine != nullptr
                               ? results_of(engine->run({&task, 1}, options)).front()
                               : run_itm(feature, statistics, plan, options, options.eta, trace.initial, {}, observer);

  const bool reference_precision = precision == Precision::float64;
  const double scalar_tolerance = reference_precision ? 1e-9 : 1e-4;
  const double array_tolerance = reference_precision ? 1e-9 : 1e-3;
  std::vector<Deviation> deviations;
  const auto scalars = [&](const char* name, const std::vector<double>& got, const std::vector<double>& want) {
    deviations.push_back(compare(name, got, want, Measure::relative, scalar_tolerance));
  };
  const auto array = [&](const std::string& name, const std::vector<double>& got) {
    const auto reference = std::find_if(trace.references.begin(), trace.references.end(),
                                        [&](const auto& named) { return named.first == name; });
    if (reference != trace.references.end()) {
      deviations.push_back(compare(name, got, reference->second,
                                   reference_precision ? Measure::relative : Measure::frobenius, array_tolerance));
    }
  };

  if (trace.dispersion) {
    scalars("dispersion", {statistics.dispersion}, {*trace.dispersion});
  }
  scalars("losses", losses, trace.losses);
  std::vector<double> accuracy;
  std::vector<double> loss;
  std::vector<double> wanted_accuracy;
  std::vector<double> wanted_loss;
  auto wanted = trace.curve.begin();  // both ascend
  for (const Checkpoint& point : result.curve) {
    if (wanted != trace.curve.end() && wanted->iteration == point.iteration) {
      accuracy.push_back(point.accuracy);
      loss.push_back(point.loss);
      ++wanted;
    }
  }
  for (const Checkpoint& point : trace.curve) {
    wanted_accuracy.push_back(point.accuracy);
    wanted_loss.push_back(point.loss);
  }
  scalars("validation accuracy", accuracy, wanted_accuracy);
  scalars("validation loss", loss, wanted_loss);
  array("iter1_latent", first.latent);
  array("iter1_recurrence", first.recurrence);
  array("iter1_evolved", first.evolved);
  array("iter1_logits", first.logits);
  array("iter1_grad_psi_w", first.gradient.psi_w);
  array("iter1_grad_psi_b", first.gradient.psi_b);
  array("iter1_grad_head_w", first.gradient.head_w);
  array("iter1_grad_head_b", first.gradient.head_b);
  array("final_psi_w", final_parameters.psi_w);
  array("final_psi_b", final_parameters.psi_b);
  array("final_head_w", final_parameters.head_w);
  array("final_head_b", final_parameters.head_b);
  return deviations;
}

std::vector<Deviation> replay_trace(const std::filesystem::path& folder, Precision precision, Recurrence recurrence,
                                    ItmEngine* engine) {
  return replay_trace(read_trace(folder), precision, recurrence, engine);
}

}  // namespace itm
