// Replays a float64 autograd trace (layout: golden/itm_trace/*) through the engine.

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "itm/error.hpp"
#include "itm/verify.hpp"

namespace itm {
namespace {

using nlohmann::json;

class Trace {
 public:
  explicit Trace(std::filesystem::path folder) : folder_(std::move(folder)) {
    const std::filesystem::path file = folder_ / "trace.json";
    std::ifstream stream(file);
    if (!stream) {
      throw InputError(fmt::format("{}: cannot be read; give a folder with trace.json and its arrays", file.string()));
    }
    try {
      meta_ = json::parse(stream);
    } catch (const json::exception&) {
      throw InputError(fmt::format("{}: is not valid JSON; write the trace again", file.string()));
    }
  }

  template <typename T>
  [[nodiscard]] T get(const char* key) const {
    try {
      return meta_.at(key).get<T>();
    } catch (const json::exception&) {
      throw InputError(fmt::format("{}: key '{}' is missing or of the wrong type; write the trace again",
                                   (folder_ / "trace.json").string(), key));
    }
  }
  [[nodiscard]] bool has(const char* key) const { return meta_.contains(key); }
  [[nodiscard]] const json& meta() const { return meta_; }

  [[nodiscard]] bool has_array(const std::string& name) const { return std::filesystem::exists(path(name)); }
  [[nodiscard]] Array array(const std::string& name) const { return read_array(path(name)); }
  [[nodiscard]] std::vector<double> doubles(const std::string& name) const { return array(name).to_doubles(); }

  [[nodiscard]] std::vector<std::uint32_t> row_numbers(const std::string& name, std::size_t rows) const {
    std::vector<std::uint32_t> out;
    for (const std::int64_t value : array(name).to_integers()) {
      if (value < 0 || static_cast<std::uint64_t>(value) >= rows) {
        throw InputError(
            fmt::format("{}: row {} is outside 0..{}; write the trace again", path(name).string(), value, rows - 1));
      }
      out.push_back(static_cast<std::uint32_t>(value));
    }
    return out;
  }

 private:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_ / (name + ".npy"); }

  std::filesystem::path folder_;
  json meta_;
};

ItmPlan explicit_plan(const Trace& trace) {
  ItmPlan plan;
  plan.labels.classes = trace.get<std::size_t>("C");
  for (const std::int64_t y : trace.array("label").to_integers()) {
    plan.labels.values.push_back(static_cast<std::int32_t>(y));
  }
  const std::size_t rows = plan.labels.values.size();
  plan.train = trace.row_numbers("train_index", rows);
  plan.validation = trace.row_numbers("val_index", rows);
  plan.batches = trace.row_numbers("batches", rows);
  plan.iterations = trace.get<std::size_t>("iterations");
  plan.batch = plan.iterations == 0 ? 0 : plan.batches.size() / plan.iterations;
  plan.centres =
      trace.has_array("centres") ? trace.doubles("centres") : make_centres(CentreKind::onehot, plan.labels.classes, 0);
  return plan;
}

struct ReferenceCurve {
  std::vector<std::size_t> iterations;
  std::vector<double> accuracy;
  std::vector<double> loss;
};

ReferenceCurve reference_curve(const Trace& trace) {
  ReferenceCurve curve;
  for (const json& point : trace.get<json>("validation")) {
    try {
      curve.iterations.push_back(point.at("iteration").get<std::size_t>());
      curve.accuracy.push_back(point.at("accuracy").get<double>());
      curve.loss.push_back(point.at("loss").get<double>());
    } catch (const json::exception&) {
      throw InputError("trace.json: a validation point needs iteration, accuracy and loss; write the trace again");
    }
  }
  if (curve.iterations.empty() || std::count(curve.iterations.begin(), curve.iterations.end(), 0U) > 0) {
    throw InputError("trace.json: 'validation' has no point, or one at iteration 0; write the trace again");
  }
  return curve;
}

ItmOptions trace_options(const Trace& trace, const ReferenceCurve& curve, Precision precision, Recurrence recurrence) {
  ItmOptions options;
  options.iterations = trace.get<std::size_t>("iterations");
  options.steps = trace.get<std::size_t>("n");
  options.eta = trace.get<double>("eta");
  options.precision = precision;
  options.recurrence = recurrence;
  options.validate_every = std::accumulate(curve.iterations.begin(), curve.iterations.end(), std::size_t{0},
                                           [](std::size_t a, std::size_t b) { return std::gcd(a, b); });
  if (trace.has("optimizer")) {
    const json optimizer = trace.get<json>("optimizer");
    options.learning_rate = optimizer.value("lr", options.learning_rate);
    options.weight_decay = optimizer.value("weight_decay", options.weight_decay);
  }
  return options;
}

}  // namespace

std::vector<Deviation> replay_trace(const std::filesystem::path& folder, Precision precision, Recurrence recurrence,
                                    ItmEngine* engine) {
  const Trace trace(folder);
  const Array feature = trace.array("feature");
  const ItmPlan plan = explicit_plan(trace);
  const ReferenceCurve curve = reference_curve(trace);
  const ItmOptions options = trace_options(trace, curve, precision, recurrence);
  const ItmFeatures features{[&feature] { return feature.to_native_row_major(); }, ""};
  const FeatureStatistics statistics = engine != nullptr ? engine->measure(features, plan.labels, options.standardise)
                                                         : measure_features(feature, plan.labels, options.standardise);
  const ItmParameters initial{trace.doubles("init_psi_w"), trace.doubles("init_psi_b"), trace.doubles("init_head_w"),
                              trace.doubles("init_head_b")};

  std::vector<double> losses;
  IterationSnapshot first;
  ItmParameters final_parameters;
  ItmObserver observer;
  observer.losses = &losses;
  observer.snapshot_iteration = 1;
  observer.snapshot = &first;
  observer.final_parameters = &final_parameters;
  const ItmTask task{features, &statistics, &plan, options.eta, 0, &initial, observer};
  const ItmResult result = engine != nullptr
                               ? results_of(engine->run({&task, 1}, options)).front()
                               : run_itm(feature, statistics, plan, options, options.eta, initial, {}, observer);

  const bool reference_precision = precision == Precision::float64;
  const double scalar_tolerance = reference_precision ? 1e-9 : 1e-4;
  const double array_tolerance = reference_precision ? 1e-9 : 1e-3;
  std::vector<Deviation> deviations;
  const auto scalars = [&](const char* name, const std::vector<double>& got, const std::vector<double>& want) {
    deviations.push_back(compare(name, got, want, Measure::relative, scalar_tolerance));
  };
  const auto array = [&](const std::string& name, const std::vector<double>& got) {
    if (trace.has_array(name)) {
      deviations.push_back(compare(name, got, trace.doubles(name),
                                   reference_precision ? Measure::relative : Measure::frobenius, array_tolerance));
    }
  };

  if (trace.has("dispersion")) {
    scalars("dispersion", {statistics.dispersion}, {trace.get<double>("dispersion")});
  }
  scalars("losses", losses, trace.get<std::vector<double>>("losses"));
  std::vector<double> accuracy;
  std::vector<double> loss;
  for (const Checkpoint& point : result.curve) {
    if (std::count(curve.iterations.begin(), curve.iterations.end(), point.iteration) > 0) {
      accuracy.push_back(point.accuracy);
      loss.push_back(point.loss);
    }
  }
  scalars("validation accuracy", accuracy, curve.accuracy);
  scalars("validation loss", loss, curve.loss);
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

}  // namespace itm
