#pragma once
// Words about a choice that its table and its page share.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "itm/choose.hpp"
#include "report/paint.hpp"

namespace itm::choose {

/// "63 %"; probabilities that were counted are never quite 0 or 1.
[[nodiscard]] inline std::string percent(double share) {
  return share > 0 && share < 0.005 ? "< 1 %" : fmt::format("{:.0f} %", 100 * share);
}

/// "0.83".
[[nodiscard]] inline std::string hundredths(double value) { return fmt::format("{:.2f}", value); }

/// "0.8 points", "0.12 standard deviations".
[[nodiscard]] inline std::string amount(const Choice& choice, double value) {
  return hundredths(value) + " " + choice.unit;
}

/// Models that no other beats in both cost and expected quality, best first.
[[nodiscard]] inline std::vector<std::string> front_of(const Choice& choice) {
  std::vector<std::string> front;
  for (const ChoiceModel& model : choice.models) {
    if (model.on_front) {
      front.push_back(model.model);
    }
  }
  return front;
}

[[nodiscard]] inline std::string interval_title(const Choice& choice) {
  return fmt::format("{:.0f} % interval", 100 * choice.sure);
}

/// "vote of itm, etran; 5 past data sets".
[[nodiscard]] inline std::string facts_of(const Choice& choice) {
  const std::string vote =
      choice.methods.empty() ? "no scores" : fmt::format("vote of {}", fmt::join(choice.methods, ", "));
  return printable(vote, 400) + "; " + plural(choice.past.size(), "past data set");
}

[[nodiscard]] inline std::string title_line(const Choice& choice, Paint paint) {
  return fmt::format("{}  {}\n", paint.bold(printable(choice.dataset, 200)), paint.dim(facts_of(choice)));
}

}  // namespace itm::choose
