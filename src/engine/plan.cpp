// The seeded plan that all models of a data set share, and the initial parameters (spec 2, steps 4, 5 and 8).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/philox.hpp"
#include "engine/plan_tools.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"

namespace itm {
namespace {

std::vector<double> uniform_matrix(std::size_t rows, std::size_t cols, std::size_t fan_in, std::uint64_t seed,
                                   std::string_view parameter) {
  const std::uint64_t stream = philox::stream_id(parameter);
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  std::vector<double> out(rows * cols);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto at = philox::entry(static_cast<std::uint32_t>(i / cols), static_cast<std::uint32_t>(i % cols));
    out[i] = (2.0 * philox::uniform(seed, stream, at) - 1.0) * bound;
  }
  return out;
}

void require(bool holds, std::string_view option, const std::string& value, std::string_view range) {
  if (!holds) {
    throw InputError(fmt::format("{} is {}; it must be {}", option, value, range));
  }
}

}  // namespace

void ItmOptions::validate() const {
  require(batch_size >= 1, "--batch-size", fmt::to_string(batch_size), "at least 1");
  require(iterations >= 1 && iterations <= 100'000, "--iterations", fmt::to_string(iterations), "1 to 100,000");
  require(validate_every >= 1, "--validate-every", fmt::to_string(validate_every), "at least 1");
  require(steps >= 1 && steps <= 10'000, "--steps", fmt::to_string(steps), "1 to 10,000");
  require(eta >= 0 && eta <= 1, "--eta", fmt::to_string(eta), "between 0 and 1");
  require(!dispersion_base || (*dispersion_base > 0 && std::isfinite(*dispersion_base)), "--dispersion-base",
          fmt::to_string(dispersion_base.value_or(0)), "a positive number");
  require(pull_weight >= 0 && std::isfinite(pull_weight), "--pull-weight", fmt::to_string(pull_weight), "0 or more");
  require(learning_rate > 0 && std::isfinite(learning_rate), "--learning-rate", fmt::to_string(learning_rate),
          "a positive number");
  require(weight_decay >= 0 && std::isfinite(weight_decay), "--weight-decay", fmt::to_string(weight_decay),
          "0 or more");
}

double adaptive_rate(double eta_base, double dispersion_base, double dispersion) {
  if (dispersion <= 0) {
    // Every row sits on its class mean: nothing is left to pull, whichever the anchor.
    return eta_base;
  }
  return std::clamp(1.0 - (1.0 - eta_base) * dispersion_base / dispersion, 0.0, 1.0);
}

/// Sorting keys, unlike Fisher-Yates, is parallel, so that a device computes the same permutation.
std::vector<std::uint32_t> permute_on_host(std::size_t n, std::uint64_t seed, std::string_view stream_name) {
  const std::uint64_t stream = philox::stream_id(stream_name);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keyed(n);
  for (std::size_t i = 0; i < n; ++i) {
    keyed[i] = {philox::draw64(seed, stream, i), static_cast<std::uint32_t>(i)};
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::uint32_t> order(n);
  std::transform(keyed.begin(), keyed.end(), order.begin(), [](const auto& pair) { return pair.second; });
  return order;
}

ItmPlan make_plan(const Labels& labels, const ItmOptions& options, std::span<const std::uint8_t> held_out) {
  return make_plan_with({permute_on_host, eigenvectors_on_host}, labels, options, held_out);
}

ItmPlan make_plan_with(const PlanTools& tools, const Labels& labels, const ItmOptions& options,
                       std::span<const std::uint8_t> held_out) {
  options.validate();
  const std::size_t n = labels.values.size();
  const std::size_t fifth = n / 5;
  if (held_out.empty() && fifth == 0) {
    throw InputError(fmt::format("{} rows are too few to hold a fifth out; at least 10 are needed", n));
  }
  ItmPlan plan;
  plan.labels = labels;
  const std::vector<std::uint32_t> order = tools.permute(n, options.seed, "split");
  for (std::size_t i = 0; i < n; ++i) {
    const bool out = held_out.empty() ? i >= n - fifth : held_out[order[i]] != 0;
    (out ? plan.validation : plan.train).push_back(order[i]);
  }
  if (plan.train.empty() || plan.validation.empty()) {
    throw InputError(fmt::format("the split leaves {} rows to train on and {} to validate on; both parts need rows",
                                 plan.train.size(), plan.validation.size()));
  }

  plan.batch = std::min(options.batch_size, plan.train.size());
  plan.iterations = options.iterations;
  const std::size_t wanted = plan.batch * plan.iterations;
  plan.batches.reserve(wanted + plan.train.size());
  for (std::size_t epoch = 0; plan.batches.size() < wanted; ++epoch) {
    for (const std::uint32_t i : tools.permute(plan.train.size(), options.seed, fmt::format("epoch/{}", epoch))) {
      plan.batches.push_back(plan.train[i]);
    }
  }
  plan.batches.resize(wanted);
  plan.centres = make_centres_with(tools.eigenvectors, options.centres, labels.classes, options.seed);
  return plan;
}

ItmParameters initial_parameters(std::size_t dims, std::size_t classes, std::uint64_t seed) {
  return {uniform_matrix(classes, dims, dims, seed, "psi.weight"), uniform_matrix(1, classes, dims, seed, "psi.bias"),
          uniform_matrix(classes, classes, classes, seed, "head.weight"),
          uniform_matrix(1, classes, classes, seed, "head.bias")};
}

}  // namespace itm
