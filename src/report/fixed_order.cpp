#include "report/fixed_order.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/statistics.hpp"
#include "core/text.hpp"

namespace itm {
namespace {

/// Percentages nearer to 0 or 100 say nothing of how much nearer: a test set has some thousand images.
constexpr double least_percent = 0.05;

}  // namespace

double TruthLink::forward(double truth) const {
  if (!percent) {
    return truth;
  }
  const double share = std::clamp(truth, least_percent, 100 - least_percent) / 100;
  return std::log(share / (1 - share));
}

double TruthLink::back(double value) const { return percent ? 100 / (1 + std::exp(-value)) : value; }

TruthScale scale_of(const std::vector<double>& truths) {
  TruthScale scale;
  scale.link.percent = std::all_of(truths.begin(), truths.end(), [](double t) { return t >= 0 && t <= 100; });
  std::vector<double> linked(truths.size());
  std::transform(truths.begin(), truths.end(), linked.begin(), [&](double t) { return scale.link.forward(t); });
  scale.centre = mean_of(linked).value_or(0);
  const double spread = standard_deviation_of(linked).value_or(0);
  scale.spread = spread > 0 ? spread : 1;
  return scale;
}

std::map<std::string, double> fixed_order(const GroundTruth& truth, const std::string& dataset) {
  std::map<std::string, std::vector<double>> standardised;
  for (const auto& [name, column] : truth.accuracy) {
    if (name == dataset || column.size() < 2) {
      continue;
    }
    std::vector<double> truths;
    for (const auto& [model, value] : column) {
      truths.push_back(value);
    }
    const TruthScale scale = scale_of(truths);
    for (const auto& [model, value] : column) {
      standardised[model].push_back(scale.standardised(value));
    }
  }
  std::map<std::string, double> order;
  for (const auto& [model, values] : standardised) {
    order[model] = *mean_of(values);
  }
  return order;
}

std::string fixed_order_sentence(const FixedOrders& orders) {
  if (orders.empty()) {
    return {};
  }
  std::vector<std::string> parts;
  std::vector<double> taus;
  for (const auto& [dataset, tau] : orders) {
    parts.push_back(fmt::format("{:.3f} on {}", tau, printable(dataset, 200)));
    taus.push_back(tau);
  }
  return fmt::format("a fixed order of the models, by the truth's other data sets, reaches tau_w {}{}",
                     fmt::join(parts, ", "), taus.size() > 1 ? fmt::format("; mean {:.3f}", *mean_of(taus)) : "");
}

}  // namespace itm
