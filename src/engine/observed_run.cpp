#include "engine/observed_run.hpp"

#include <fmt/format.h>

#include <iterator>
#include <span>

namespace itm {
namespace {

/// Iterations after which parameters are compared, 1 among them.
constexpr std::size_t milestones[] = {1, 10, 100};

std::vector<double> joined(const ItmParameters& p) {
  std::vector<double> all(p.psi_w);
  for (const std::vector<double>* part : {&p.psi_b, &p.head_w, &p.head_b}) {
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

}  // namespace

ItmObserver ObservedRun::observer(std::size_t iterations, const std::function<bool()>& cancelled) {
  for (const std::size_t milestone : milestones) {
    if (milestone <= iterations) {
      parameter_iterations.push_back(milestone);
    }
  }
  if (iterations < std::end(milestones)[-1] && parameter_iterations.back() != iterations) {
    parameter_iterations.push_back(iterations);  // a short run: also at its end
  }
  ItmObserver o;
  o.snapshot_iteration = 1;
  o.snapshot = &first;
  o.losses = &losses;
  o.parameter_iterations = parameter_iterations;
  o.parameters = &parameters;
  o.cancelled = cancelled;
  return o;
}

std::vector<Deviation> compare_stages(const ObservedRun& got, const ObservedRun& want, std::size_t validation_rows) {
  constexpr double one_iteration = 1e-4;  // float32 rounding through one forward and backward pass
  constexpr double training = 1e-3;       // parameters after up to 100 updates
  std::vector<Deviation> d;
  const auto arrays = [&](const char* name, const std::vector<double>& a, const std::vector<double>& b,
                          double tolerance) { d.push_back(compare(name, a, b, Measure::frobenius, tolerance)); };
  if (got.statistics.shift.size() == want.statistics.shift.size()) {  // measured on a device
    constexpr double statistics = 1e-9;                               // float64 on both sides
    arrays("column means", got.statistics.shift, want.statistics.shift, statistics);
    arrays("column scales", got.statistics.scale, want.statistics.scale, statistics);
    arrays("dispersion", {got.statistics.dispersion}, {want.statistics.dispersion}, statistics);
  }
  arrays("latent Theta", got.first.latent, want.first.latent, one_iteration);
  arrays("recurrence C_j", got.first.recurrence, want.first.recurrence, one_iteration);
  arrays("evolved E_n", got.first.evolved, want.first.evolved, one_iteration);
  arrays("logits", got.first.logits, want.first.logits, one_iteration);
  arrays("loss, iteration 1", {got.losses.front()}, {want.losses.front()}, one_iteration);
  arrays("gradient psi weight", got.first.gradient.psi_w, want.first.gradient.psi_w, training);
  arrays("gradient psi bias", got.first.gradient.psi_b, want.first.gradient.psi_b, training);
  arrays("gradient head weight", got.first.gradient.head_w, want.first.gradient.head_w, training);
  arrays("gradient head bias", got.first.gradient.head_b, want.first.gradient.head_b, training);
  for (std::size_t i = 0; i < want.parameters.size(); ++i) {
    d.push_back(compare(fmt::format("parameters after {}", want.parameter_iterations[i]), joined(got.parameters[i]),
                        joined(want.parameters[i]), Measure::frobenius, training));
  }
  // A score may move by rows whose two best logits nearly tie: two validation rows.
  Deviation score = compare("score", std::vector{got.result.best.accuracy}, std::vector{want.result.best.accuracy},
                            Measure::relative, 0);
  score.tolerance = 2.0 / static_cast<double>(validation_rows);
  score.within = score.absolute <= score.tolerance + 1e-12;
  d.push_back(score);
  return d;
}

bool is_worse(const Deviation& one, const Deviation& other) {
  return one.within == other.within ? one.frobenius > other.frobenius : other.within;
}

}  // namespace itm
