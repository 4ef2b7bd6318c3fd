#include "report/agreement_line.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/text.hpp"
#include "itm/estimator.hpp"

namespace itm {

namespace {

/// Half of all orders of three models have a tau_w of 0.5 or more.
constexpr std::size_t few_models = 4;

}  // namespace

std::string figure(std::optional<double> value) { return value ? fmt::format("{:.3f}", *value) : "-"; }

std::string figure(std::optional<double> mean, std::optional<double> spread) {
  return figure(mean) + (spread ? fmt::format(" ± {:.3f}", *spread) : "");
}

ScoreUnit unit_of(std::string_view method) {
  const Estimator* known = known_estimator(method);
  return known == nullptr ? ScoreUnit::number : known->unit;
}

bool is_accuracy(std::string_view method) { return unit_of(method) != ScoreUnit::number; }

std::string score_text(std::string_view method, double score) {
  if (!std::isfinite(score)) {
    return "-";
  }
  const ScoreUnit unit = unit_of(method);
  if (unit != ScoreUnit::number) {
    return fmt::format("{:.2f} %", unit == ScoreUnit::accuracy ? 100 * score : score);
  }
  const double size = std::abs(score);
  return size != 0 && (size < 1e-3 || size >= 1e5) ? fmt::format("{:.4g}", score) : fmt::format("{:.4f}", score);
}

std::string error_text(std::string_view method, double error) {
  const ScoreUnit unit = unit_of(method);
  return unit == ScoreUnit::number ? fmt::format("{:.2g}", error)
                                   : fmt::format("{:.1f}", unit == ScoreUnit::accuracy ? 100 * error : error);
}

std::string group_letter(int group) {
  return group >= 1 && group <= 26 ? std::string(1, static_cast<char>('a' + group - 1)) : std::to_string(group);
}

std::string agreement_line(const Agreement& agreement, Paint paint) {
  std::string line = paint.bold("tau_w " + figure(agreement.tau_w));
  if (agreement.tau_w_interval) {
    line += fmt::format(" [{:.2f}, {:.2f}]", agreement.tau_w_interval->low, agreement.tau_w_interval->high);
  }
  line += fmt::format("   scipy {}   Kendall {}   Spearman {}   Pearson {}   Rel@1 {}   Rel@3 {}",
                      figure(agreement.tau_w_scipy), figure(agreement.kendall), figure(agreement.spearman),
                      figure(agreement.pearson), figure(agreement.rel_at_1), figure(agreement.rel_at_3));
  if (agreement.fixed_order) {
    line += fmt::format("   fixed order {}", figure(agreement.fixed_order));
  }
  return agreement.models < few_models
             ? line + fmt::format("   (an order of {} says little)", plural(agreement.models, "model"))
             : line;
}

}  // namespace itm
